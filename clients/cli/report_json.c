/* A report as JSON. */
#include "json.h"
#include "report.h"

static json_t *number_or_null(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *from_spread(const struct spread *spread)
{
    json_t *map = json_object();

    json_object_set_new(map, "count", json_integer(spread->count));
    json_object_set_new(map, "median_ms", number_or_null(spread->median_ms));
    json_object_set_new(map, "p90_ms", number_or_null(spread->p90_ms));
    return map;
}

static void put_counts(json_t *map, const struct figures_row *row)
{
    json_object_set_new(map, "arrivals", json_integer(row->arrivals));
    json_object_set_new(map, "decisions", json_integer(figures_decisions(row)));
    json_object_set_new(map, "approved", json_integer(row->approved));
    json_object_set_new(map, "rejected", json_integer(row->rejected));
    json_object_set_new(map, "overturned", json_integer(row->overturned));
    json_object_set_new(map, "undone", json_integer(row->undone));
    json_object_set_new(map, "reopened", json_integer(row->reopened));
    json_object_set_new(map, "withdrawn", json_integer(row->withdrawn));
    json_object_set_new(map, "erased", json_integer(row->erased));
    json_object_set_new(map, "escalated", json_integer(row->escalated));
    json_object_set_new(map, "reported", json_integer(row->reported));
    json_object_set_new(map, "skipped", json_integer(row->skipped));
    json_object_set_new(map, "second_looks", json_integer(row->second_looks));
}

static json_t *from_row(const struct figures_row *row)
{
    json_t *map = json_object();

    if (row->name.data)
        json_object_set_new(map, "name", json_text(row->name));
    json_object_set_new(map, "from", json_integer(row->from));
    json_object_set_new(map, "to", json_integer(row->to));
    put_counts(map, row);
    json_object_set_new(map, "decisions_per_hour", json_real(figures_pace(row)));
    json_object_set_new(map, "hours_at_work", json_integer(row->hours));
    json_object_set_new(map, "decisions_per_hour_at_work", json_real(figures_pace_at_work(row)));
    json_object_set_new(map, "waited", from_spread(&row->waited));
    json_object_set_new(map, "handled", from_spread(&row->handled));
    json_object_set_new(map, "pending", number_or_null(row->pending));
    return map;
}

static json_t *from_table(const struct figures_table *table, bool pending)
{
    json_t *list = json_array();

    for (size_t i = 0; i < table->count; i++) {
        json_t *row = from_row(&table->rows[i]);
        if (!pending)
            json_object_del(row, "pending"); /* known of a moment only */
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *from_pairs(const struct pairs *pairs)
{
    json_t *map = json_object();
    double kappa;
    bool defined = pairs_kappa(pairs, &kappa);
    int64_t count = pairs_count(pairs);

    json_object_set_new(map, "pairs", json_integer(count));
    json_object_set_new(map, "agreed", json_integer(pairs_agreed(pairs)));
    json_object_set_new(map, "percent",
                        count ? json_real(100.0 * (double)pairs_agreed(pairs) / (double)count) : json_null());
    json_object_set_new(map, "kappa", defined ? json_real(kappa) : json_null());
    return map;
}

static json_t *from_agreed(const struct agreement_row *rows, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *map = from_pairs(&rows[i].pairs);
        json_object_set_new(map, "name", json_text(rows[i].name));
        json_array_append_new(list, map);
    }
    return list;
}

json_t *report_json(const struct report *report)
{
    const struct agreement *agreement = &report->agreement;
    const char *asked = report->app->options.text[OPT_GROUP];
    enum report_by only;
    bool one = asked && report_by(asked, &only);
    json_t *map = json_object();
    json_t *by = json_object();
    json_t *agreed = from_pairs(&agreement->all);

    json_object_set_new(map, "since", json_integer(report->since));
    json_object_set_new(map, "until", json_integer(report->until));
    json_object_set_new(map, "site", report->site ? json_text(slice_of(report->site)) : json_null());
    json_object_set_new(map, "all", from_row(&report->all));
    for (int i = 0; i < BY_COUNT; i++)
        if (!one || (enum report_by)i == only)
            json_object_set_new(by, report_by_words[i], from_table(&report->by[i], i == BY_DAY || i == BY_HOUR));
    json_object_set_new(map, "by", by);
    json_object_set_new(agreed, "by_moderator", from_agreed(agreement->moderators, agreement->moderator_count));
    json_object_set_new(agreed, "by_reason", from_agreed(agreement->reasons, agreement->reason_count));
    json_object_set_new(map, "agreement", agreed);
    return map;
}
