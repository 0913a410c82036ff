/* Requests that wait for a worker: in the order in which they came, or fairly, where those who ask take turns. */
#ifndef MODQD_INBOX_H
#define MODQD_INBOX_H

#include "../work/request.h"

enum { INBOX_ROWS = 256 };

struct box {
    struct request *first, **end;
    int64_t requests;
};

void box_init(struct box *box);
void box_put(struct box *box, struct request *request);
struct request *box_take_all(struct box *box);

/* Whoever asks, a key or a connection without one, has a row. Two may share one; they only wait for each other. */
struct inbox {
    struct box first; /* goes before all rows */
    struct box row[INBOX_ROWS];
    size_t rows; /* that are in use: one, or all */
    size_t next; /* whose turn it is */
    int64_t requests, bytes;
};

void inbox_init(struct inbox *inbox, bool fair);
void inbox_put(struct inbox *inbox, struct request *request);
void inbox_put_first(struct inbox *inbox, struct request *request);

/* At most `most` of them as a list, and how many they are; NULL when nothing waits. */
struct request *inbox_take(struct inbox *inbox, int64_t most, int64_t *taken);

#endif
