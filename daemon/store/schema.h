/* The schema of the SQLite back end and the way from each version to the next. */
#ifndef MODQD_SCHEMA_H
#define MODQD_SCHEMA_H

/* "modq" in ASCII: marks the file as ours. */
#define SCHEMA_APPLICATION_ID 0x6d6f6471

/* Scripts, one a version: schema_migrations[n] brings version n to n + 1. */
extern const char *const schema_migrations[];

/* The version that this program knows: the number of scripts. */
extern const int schema_version;

#endif
