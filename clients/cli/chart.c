#include "chart.h"

#include "html.h"
#include "report.h"
#include "say.h"

/* In units of the picture, which is as wide as its place on the page. */
enum { WIDTH = 480, HEIGHT = 220, LEFT = 46, RIGHT = 8, TOP = 10, BOTTOM = 26, TICKS = 5, LABELS = 8 };

enum { PLOT_WIDTH = WIDTH - LEFT - RIGHT, PLOT_HEIGHT = HEIGHT - TOP - BOTTOM };

/* ---- the scale */

static int64_t highest(const struct chart *chart)
{
    int64_t most = 0;

    for (size_t i = 0; i < chart->count; i++)
        for (int j = 0; j < 2; j++)
            if (chart->points[i].value[j] > most)
                most = chart->points[i].value[j];
    return most;
}

static int64_t count_step(int64_t most)
{
    int64_t step = 1;

    for (int i = 0; most / step >= TICKS && step < INT64_MAX / 10; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2; /* 1 2 5 10 20 50 */
    return step;
}

static int64_t span_step(int64_t most)
{
    static const int64_t seconds[] = {1,    5,    10,    15,    30,    60,    120,    300,    600,    900,    1800,
                                      3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800, 1209600};
    size_t i = 0;

    while (i + 1 < sizeof(seconds) / sizeof(seconds[0]) && most / (seconds[i] * 1000) >= TICKS)
        i++;
    int64_t step = seconds[i] * 1000;
    while (most / step >= TICKS)
        step *= 2;
    return step;
}

struct scale {
    const struct chart *chart;
    int64_t step, top;
};

static struct scale scale_of(const struct chart *chart)
{
    int64_t most = highest(chart);
    int64_t step = chart->spans ? span_step(most) : count_step(most);

    return (struct scale){chart, step, (most / step + 1) * step};
}

static double y_of(const struct scale *scale, int64_t value)
{
    return TOP + PLOT_HEIGHT * (1 - (double)value / (double)scale->top);
}

static double x_of(const struct scale *scale, double place)
{
    return LEFT + PLOT_WIDTH * place / (double)scale->chart->count;
}

/* ---- what all have */

static void put_tick(struct text *out, const struct scale *scale, int64_t value)
{
    double y = y_of(scale, value);

    say(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, y, y);
    say(out, "<text class=\"tick\" x=\"%d\" y=\"%.1f\">", LEFT - 6, y + 4);
    if (!scale->chart->spans)
        say(out, "%lld", (long long)value);
    else if (value < 60000)
        say(out, "%llds", (long long)(value / 1000));
    else if (value < 3600000)
        say(out, "%lldm", (long long)(value / 60000));
    else if (value < 86400000 || value % 86400000)
        say(out, "%lldh", (long long)(value / 3600000));
    else
        say(out, "%lldd", (long long)(value / 86400000));
    say(out, "</text>\n");
}

static size_t labelled(const struct chart *chart)
{
    size_t labels = 0;

    for (size_t i = 0; i < chart->count; i++)
        labels += chart->points[i].label[0] != '\0';
    return labels;
}

/* As many labels as can stand side by side. */
static void put_labels(struct text *out, const struct scale *scale, double middle)
{
    size_t every = (labelled(scale->chart) + LABELS - 1) / LABELS;
    size_t met = 0;

    for (size_t i = 0; i < scale->chart->count; i++) {
        const struct chart_point *point = &scale->chart->points[i];
        if (!point->label[0] || met++ % every)
            continue;
        say(out, "<text class=\"label\" x=\"%.1f\" y=\"%d\">", x_of(scale, (double)i + middle), HEIGHT - 8);
        html_escape(out, slice_of(point->label));
        say(out, "</text>\n");
    }
}

static void begin(struct text *out, const struct scale *scale, double middle)
{
    say(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    html_escape(out, slice_of(scale->chart->name));
    say(out, "\">\n");
    for (int64_t value = 0; value <= scale->top; value += scale->step)
        put_tick(out, scale, value);
    put_labels(out, scale, middle);
}

static void put_title(struct text *out, const struct chart_point *point)
{
    say(out, "<title>");
    html_escape(out, slice_of(point->title));
    say(out, "</title>");
}

static void put_bar(struct text *out, const struct scale *scale, int which, double from, double width, int64_t value)
{
    double y = y_of(scale, value);

    if (value < 0)
        return;
    say(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", scale->chart->classes[which],
        x_of(scale, from), y, x_of(scale, width) - LEFT, TOP + PLOT_HEIGHT - y);
}

/* Where the pointer may rest. */
static void put_column(struct text *out, const struct scale *scale, size_t i)
{
    say(out, "<rect class=\"column\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>", x_of(scale, (double)i), TOP,
        x_of(scale, 1) - LEFT, PLOT_HEIGHT);
}

/* ---- the kinds */

static void bars(struct text *out, const struct chart *chart, bool nested)
{
    struct scale scale = scale_of(chart);

    begin(out, &scale, 0.5);
    for (size_t i = 0; i < chart->count; i++) {
        const struct chart_point *point = &chart->points[i];
        double from = (double)i + 0.15;
        say(out, "<g>");
        put_title(out, point);
        put_column(out, &scale, i);
        put_bar(out, &scale, 0, from, nested ? 0.7 : 0.34, point->value[0]);
        put_bar(out, &scale, 1, from + (nested ? 0.15 : 0.36), nested ? 0.4 : 0.34, point->value[1]);
        say(out, "</g>\n");
    }
    say(out, "</svg>\n");
}

void chart_pairs(struct text *out, const struct chart *chart)
{
    bars(out, chart, false);
}

void chart_nested(struct text *out, const struct chart *chart)
{
    bars(out, chart, true);
}

void chart_area(struct text *out, const struct chart *chart)
{
    struct scale scale = scale_of(chart);

    begin(out, &scale, 0);
    say(out, "<path class=\"%s area\" d=\"M%.1f %d", chart->classes[0], x_of(&scale, 1), TOP + PLOT_HEIGHT);
    for (size_t i = 0; i < chart->count; i++)
        say(out, "L%.1f %.1f", x_of(&scale, (double)i + 1), y_of(&scale, chart->points[i].value[0]));
    say(out, "V%dZ\"/>\n<path class=\"%s line\" d=\"", TOP + PLOT_HEIGHT, chart->classes[0]);
    for (size_t i = 0; i < chart->count; i++)
        say(out, "%s%.1f %.1f", i ? "L" : "M", x_of(&scale, (double)i + 1), y_of(&scale, chart->points[i].value[0]));
    say(out, "\"/>\n");
    for (size_t i = 0; i < chart->count; i++) {
        say(out, "<g>");
        put_title(out, &chart->points[i]);
        put_column(out, &scale, i);
        say(out, "</g>\n");
    }
    say(out, "</svg>\n");
}
