/* What the two ways of showing a review share: the loop around model, wire and one of them. */
#ifndef MODQ_REVIEW_DESK_H
#define MODQ_REVIEW_DESK_H

#include "../cli.h"
#include "bidi.h"
#include "model.h"

struct desk;

enum appetite {
    READS_NOT,  /* not just now */
    READS,      /* as soon as there is something */
    READS_ONCE, /* at once: it has something from before */
};

/* A way of showing it, and of being told what to do. */
struct face {
    void (*draw)(struct desk *desk, int64_t now);
    bool (*read)(struct desk *desk,
                 int64_t now); /* what is there, without waiting. False: nothing will come any more */
    enum appetite (*ready)(const struct desk *desk);
    void (*resized)(struct desk *desk);
    void (*suspend)(struct desk *desk);
};

struct desk {
    struct app *app;
    struct review review;
    const struct face *face;
    void *own; /* the face's */
    enum bidi bidi;
    bool hurry; /* asked to leave twice */
};

/* Until the moderator leaves. `own` is the face's. Returns the exit code. */
int desk_run(struct desk *desk, const struct face *face, void *own);

/* The model is told, and a second wish to leave is heard. */
void desk_key(struct desk *desk, int32_t key, int64_t now);

int screen_review(struct desk *desk);
int plain_review(struct desk *desk);

#endif
