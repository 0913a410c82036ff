/* The lines of the log that a monitor may wait for: one list for names, MESSAGE_IDs, priorities and meanings.
 *
 * An id, once released, never changes and never means anything else; systemd/modqd.catalog says what to do about each
 * (`journalctl -x`), docs/operations.md lists them. A line whose cause a peer can repeat at will is written `most`
 * times in ten seconds at most; the next one that is written says how many were left out. 0: always. */
#ifndef MODQD_LOG_IDS_H
#define MODQD_LOG_IDS_H

/* clang-format off */
/*    id                     name                     MESSAGE_ID                         priority most meaning */
#define MODQD_LOG_IDS(X)                                                                                                 \
    X(STARTED,               "started",               "5d6b7488963e4ff5b529682232de484b", INFO,    0, "the daemon starts: version and directory") \
    X(READY,                 "ready",                 "593dea6db23e48949774eaf6c05228ed", NOTICE,  0, "every socket is bound; requests are answered from now on") \
    X(NO_KEYS,               "no_keys",               "c523bfd9955244bd9ccb23f3aa5dfae4", NOTICE,  0, "no key was ever made: only whoever is on the machine gets in") \
    X(STOPPING,              "stopping",              "d33d3d78befb47e5890ec4b6c3b3b2b6", NOTICE,  0, "told to stop; what was received is still answered") \
    X(STOPPED,               "stopped",               "8df8a96705cd46428e879208bb6d3f62", NOTICE,  0, "ended in good order") \
    X(CANNOT_START,          "cannot_start",          "5dace3521c8c4e0baa55021f4e228399", ERR,     0, "the daemon cannot start, and has ended") \
    X(STORE_FAILED,          "store_failed",          "cc2ec8bfc4fd4618947f48142853c973", CRIT,    0, "the database cannot be believed any more; the daemon ends") \
    X(INTAKE_CLOSED,         "intake_closed",         "cf2801a13f9d4b818bc97fa82536428c", WARNING, 0, "no room for new comments; decisions go on") \
    X(INTAKE_OPENED,         "intake_opened",         "23119d22c22a4a0da1f3e9d10c875c23", NOTICE,  0, "there is room for new comments again") \
    X(STORE_BUSY,            "store_busy",            "b7f6d3c2d6634347b2d41683824711cb", WARNING, 3, "a transaction could not be written; everybody in it was told to come again") \
    X(READ_FAILED,           "read_failed",           "af82a748350e4bbfb2d1f8fab17a668e", ERR,     3, "something could not be read from the database") \
    X(PUSH_REFUSED,          "push_refused",          "ce0350a863734b52be03adf51683eb5c", WARNING, 20, "a message on the push socket was refused, and its sender cannot be told") \
    X(PEER_REFUSED,          "peer_refused",          "3ee0a380d3934f6581e78cd3540b4dab", WARNING, 10, "a connection was refused: no key that is good for this socket") \
    X(DENIED,                "denied",                "9e9faf5bfe91487bb239e8111a5a5620", WARNING, 10, "somebody known asked for what they have no right to") \
    X(LIMIT_REACHED,         "limit_reached",         "dc1622eaea8f4e04b3168015ec2739ae", WARNING, 5, "requests are answered busy because a limit is reached") \
    X(CONFIGURATION_RELOADED, "configuration_reloaded", "b2bd9a9a9b904406b1fdd553bcb82f49", NOTICE, 0, "the configuration was read anew and is in force") \
    X(CONFIGURATION_REFUSED, "configuration_refused", "d16f6f60dda443a5825ea6a8af36937b", ERR,     0, "the configuration is wrong; the one before stays in force") \
    X(KEY_ADDED,             "key_added",             "3ec44ae348bf438388ca603b240bf7bc", NOTICE,  0, "a key was added") \
    X(KEY_REVOKED,           "key_revoked",           "207183a34249497b90a515869abbbf3a", NOTICE,  0, "a key was revoked") \
    X(KEY_ROTATED,           "key_rotated",           "1bd36425d9d34b47ad3cee2884d44144", NOTICE,  0, "a new key takes the place of older ones, which end soon") \
    X(CHAIN_HEAD,            "chain_head",            "89fa8ef79fc348aabf39274c3c845f9a", INFO,    0, "the newest event's number and hash: a witness outside of the database") \
    X(INDEX_FAILED,          "index_failed",          "4f2fd100e4e34184ba417b1048470cdc", WARNING, 3, "the index of search cannot be kept up; searches are slower") \
    X(FEW_DESCRIPTORS,       "few_descriptors",       "69599b77e2964b58a1dce752002933ea", WARNING, 0, "the system allows the daemon few open files, and so few connections")
/* clang-format on */

enum log_id {
#define X(id, name, message_id, priority, most, meaning) LOG_ID_##id,
    MODQD_LOG_IDS(X)
#undef X
        LOG_ID_COUNT
};

struct log_id_info {
    const char *name, *message_id;
    int priority; /* as in syslog.h */
    int most;     /* lines in ten seconds; 0: as many as there are */
    const char *meaning;
};

extern const struct log_id_info log_id_table[LOG_ID_COUNT];

#endif
