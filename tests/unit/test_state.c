/* The tables of the code are the tables that PROTOCOL.md prints. */
#include "../../daemon/core/state.h"
#include "../../proto/limits.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 80, CELLS_MAX = 16 };

/* A table of the document: row 0 is its head. */
struct table {
    char *text;
    size_t rows;
    char *cells[ROWS_MAX][CELLS_MAX];
};

static char *read_file(const char *name)
{
    enum { BYTES_MAX = 1 << 20 };
    char path[1024];
    char *text = malloc(BYTES_MAX);

    snprintf(path, sizeof(path), "%s/%s", unit_source_dir(), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(text);
    size_t len = fread(text, 1, BYTES_MAX - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

static char *trimmed(char *cell)
{
    while (*cell == ' ')
        cell++;
    for (size_t len = strlen(cell); len > 0 && cell[len - 1] == ' '; len--)
        cell[len - 1] = '\0';
    return cell;
}

static void split(struct table *table, char *line)
{
    char *save;
    size_t n = 0;

    if (line[0] != '|' || strncmp(line, "|---", 4) == 0)
        return;
    assert_true(table->rows < ROWS_MAX);
    /* an empty cell must not vanish, so "||" is no separator of its own: cells are cut by hand */
    for (char *cell = line + 1; (save = strchr(cell, '|')); cell = save + 1) {
        *save = '\0';
        assert_true(n < CELLS_MAX);
        table->cells[table->rows][n++] = trimmed(cell);
    }
    table->rows++;
}

/* What stands between the markers `name` table: begin and end. */
static void read_table(const char *name, struct table *table)
{
    char *text = read_file("proto/PROTOCOL.md");

    char begin[64];
    char end[64];
    char *save;

    snprintf(begin, sizeof(begin), "<!-- %s table: begin -->\n", name);
    snprintf(end, sizeof(end), "<!-- %s table: end -->", name);
    char *from = strstr(text, begin);
    char *to = from ? strstr(from, end) : NULL;
    *table = (struct table){.text = text};
    assert_non_null(to);
    *to = '\0';
    for (char *line = strtok_r(from + strlen(begin), "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        split(table, line);
}

/* How the document writes a cell. */
static void write_cell(const struct transition *go, char *text, size_t size)
{
    if (go->impossible)
        snprintf(text, size, "–");
    else if (go->before)
        snprintf(text, size, "before");
    else if (go->error)
        snprintf(text, size, "%s", error_info(go->error)->name);
    else if (!go->next)
        snprintf(text, size, "same");
    else if (go->record)
        snprintf(text, size, "%s (%s)", state_name(go->next), kind_name(go->record));
    else
        snprintf(text, size, "%s", state_name(go->next));
}

TEST(the_state_table_is_the_documents_cell_by_cell)
{
    struct table table;
    char cell[64];
    read_table("state", &table);

    assert_int_equal(table.rows, STATE_COUNT + 1);
    for (enum happening h = 0; h < HAPPENINGS; h++)
        assert_string_equal(table.cells[0][h + 1], happening_name(h));
    assert_null(table.cells[0][HAPPENINGS + 1]);
    for (enum state s = 0; s < STATE_COUNT; s++) {
        assert_string_equal(table.cells[s + 1][0], state_name(s));
        for (enum happening h = 0; h < HAPPENINGS; h++) {
            write_cell(state_transition(s, h), cell, sizeof(cell));
            if (strcmp(table.cells[s + 1][h + 1], cell) != 0)
                fail_msg("%s, %s: \"%s\" in the document, \"%s\" in the code", state_name(s), happening_name(h),
                         table.cells[s + 1][h + 1], cell);
        }
    }
    free(table.text);
}

TEST(every_record_of_the_state_table_says_the_state_that_follows)
{
    for (enum state s = 0; s < STATE_COUNT; s++)
        for (enum happening h = 0; h < HAPPENINGS; h++) {
            const struct transition *go = state_transition(s, h);
            assert_true(go->error == E_OK || (!go->next && !go->record && !go->before));
            if (!go->record)
                continue;
            assert_true(kind_is_record(go->record));
            const char *says = go->record == KIND_REOPENED ? "pending" : kind_name(go->record);
            assert_string_equal(says, state_name(go->next));
        }
}

TEST(nothing_leads_out_of_withdrawn_but_erasure_and_nothing_out_of_erased)
{
    for (enum happening h = 0; h < HAPPENINGS; h++) {
        assert_true(state_transition(STATE_ERASED, h)->next == STATE_NONE);
        if (h != ON_ERASE)
            assert_true(state_transition(STATE_WITHDRAWN, h)->next == STATE_NONE);
    }
}

TEST(the_errors_are_the_documents)
{
    struct table table;
    size_t i = 0;
    read_table("error", &table);

    for (; error_at(i); i++) {
        const struct error_info *info = error_at(i);
        char **row = table.cells[i + 1];
        assert_true(i + 1 < table.rows);
        assert_int_equal(strtol(row[0], NULL, 10), info->number);
        assert_string_equal(row[1], info->name);
        assert_string_equal(row[2], error_class_name(info->class));
        assert_true(strlen(info->message) > 5);
        assert_ptr_equal(error_info((int)info->number), info);
        assert_int_equal(error_class_of(slice_of(row[2])), info->class);
    }
    assert_int_equal(table.rows, i + 1);
    assert_null(error_info(0));
    assert_null(error_info(7));
    assert_int_equal(error_class_of(SLICE_LIT("other")), CLASS_NONE);
    free(table.text);
}

TEST(the_limits_are_the_documents)
{
    struct table table;
    struct limits limits;
    read_table("limits", &table);

    limits_default(&limits);
    assert_int_equal(table.rows, LIMIT_COUNT + 1);
    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_info *info = &limit_table[i];
        char **row = table.cells[i + 1];
        assert_string_equal(row[0], info->name);
        assert_int_equal(strtoll(row[1], NULL, 10), info->value);
        assert_int_equal(strtoll(row[2], NULL, 10), info->least);
        assert_int_equal(strtoll(row[3], NULL, 10), info->most);
        assert_true(info->least <= info->value && info->value <= info->most);
        assert_int_equal(limits.value[i], info->value);
        if (strcmp(row[4], "the connection is dropped") == 0)
            continue;
        size_t e = 0;
        while (error_at(e) && strcmp(error_at(e)->name, row[4]) != 0)
            e++;
        assert_non_null(error_at(e));
    }
    free(table.text);
}

TEST(the_manual_and_the_configuration_page_tell_the_limits_in_force)
{
    char *manual = read_file("daemon/modqd.conf.5");
    char *page = read_file("docs/configuration.md");
    char text[128];

    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_info *info = &limit_table[i];
        snprintf(text, sizeof(text), ".It Cm %s No = Ar %lld\n", info->name, (long long)info->value);
        const char *row = strstr(manual, text);
        snprintf(text, sizeof(text), "From %lld to %lld.", (long long)info->least, (long long)info->most);
        const char *next = row ? strstr(row + 1, "\n.It ") : NULL;
        const char *range = row ? strstr(row, text) : NULL;
        if (!range || (next && range > next))
            fail_msg("modqd.conf.5: %s", info->name);
        snprintf(text, sizeof(text), "| `%s` | %lld", info->name, (long long)info->value);
        row = strstr(page, text);
        snprintf(text, sizeof(text), "| %lld–%lld |", (long long)info->least, (long long)info->most);
        if (!row || !strstr(row, text) || strstr(row, text) > strchr(row, '\n'))
            fail_msg("docs/configuration.md: %s", info->name);
    }
    free(manual);
    free(page);
}

TEST(words_are_there_for_every_number_and_differ)
{
    for (int i = 0; i < STATE_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(state_name((enum state)i), state_name((enum state)j));
    for (int i = 0; i < KIND_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(kind_name((enum kind)i), kind_name((enum kind)j));
    for (int i = 1; i < CAUSE_COUNT; i++)
        for (int j = 1; j < i; j++)
            assert_string_not_equal(cause_name((enum cause)i), cause_name((enum cause)j));
    assert_null(cause_name(CAUSE_NONE));
    for (enum lane l = 0; l < LANE_SECOND; l++)
        assert_int_equal(lane_of(slice_of(lane_name(l))), l);
    assert_int_equal(lane_of(slice_of(lane_name(LANE_SECOND))), LANE_COUNT); /* nobody may ask for it */
    for (enum mark m = 0; m < MARK_COUNT; m++)
        assert_int_equal(mark_of(slice_of(mark_name(m))), m);
    assert_int_equal(mark_of(SLICE_LIT("Trusted")), MARK_COUNT);
    assert_int_equal(lane_of(SLICE_LIT("Normal")), LANE_COUNT);
    assert_int_equal(lane_of(SLICE_LIT("")), LANE_COUNT);
    assert_int_equal(lane_of(SLICE_NONE), LANE_COUNT);
}

/* Stored in databases: these numbers never change. */
TEST(the_numbers_behind_the_words_stay_as_they_are)
{
    assert_int_equal(STATE_PENDING, 1);
    assert_int_equal(STATE_APPROVED, 2);
    assert_int_equal(STATE_REJECTED, 3);
    assert_int_equal(STATE_WITHDRAWN, 4);
    assert_int_equal(STATE_ERASED, 5);
    assert_int_equal(LANE_ESCALATED, 1);
    static const enum kind kinds[] = {KIND_NONE,          KIND_SUBMITTED, KIND_APPROVED, KIND_REJECTED, KIND_REOPENED,
                                      KIND_WITHDRAWN,     KIND_ERASED,    KIND_CLAIMED,  KIND_RENEWED,  KIND_RELEASED,
                                      KIND_LEASE_EXPIRED, KIND_ESCALATED, KIND_REPORTED};
    static const enum cause causes[] = {CAUSE_NONE,    CAUSE_MODERATOR, CAUSE_UNDO,    CAUSE_NEW_REVISION,
                                        CAUSE_REPORTS, CAUSE_AUTHOR,    CAUSE_ERASURE, CAUSE_RULE};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_int_equal(kinds[i], i);
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        assert_int_equal(causes[i], i);
}
