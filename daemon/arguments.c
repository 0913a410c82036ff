#include "arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "Usage: modqd --dir DIR [--config FILE]\n"
    "\n"
    "The daemon of modqd, a moderation queue: it takes comments from web servers, keeps\n"
    "them until moderators have decided with modq, and tells every listener each decision.\n"
    "\n"
    "  -d, --dir DIR      where the database and the four sockets lie; made if it is not there\n"
    "  -c, --config FILE  read a configuration (modqd.conf(5)); it may name the directory\n"
    "      --check        only read the configuration and say whether it is good\n"
    "      --restored     say that DIR was restored from a backup: begin a new epoch, and end\n"
    "      --fsck         count everything in DIR anew, say what differs, and end; also beside a daemon\n"
    "      --new-server-key FILE\n"
    "                     write a new pair of CURVE keys for a server, print the public one, and end\n"
    "  -h, --help         show this\n"
    "  -V, --version      show the version\n"
    "\n"
    "DIR and nothing else is enough:  modqd --dir ./var     then:  modq --dir ./var queue\n"
    "\n"
    "SIGTERM and SIGINT end it after everything that was received has been answered.\n"
    "SIGHUP rereads the configuration and the policies; a wrong one changes nothing.\n"
    "Exit codes: 0 ended by a signal; 1 the store failed, or --fsck found faults; 2 wrong usage; 3 cannot start.\n";

static int usage(const char *message)
{
    fprintf(stderr, "modqd: %s\nTry: modqd --help\n", message);
    return EXIT_USAGE;
}

int arguments_parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"restored", no_argument, NULL, 'r'},
        {"fsck", no_argument, NULL, 'f'},
        {"new-server-key", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "d:c:hV", options, NULL)) != -1) {
        switch (c) {
        case 'd':
            a->dir = optarg;
            break;
        case 'c':
            a->config = optarg;
            break;
        case 'k':
            a->check = true;
            break;
        case 'r':
            a->restored = true;
            break;
        case 'f':
            a->fsck = true;
            break;
        case 'n':
            a->new_server_key = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            exit(EXIT_DONE);
        case 'V':
            puts("modqd " MODQ_VERSION);
            exit(EXIT_DONE);
        default:
            return usage("wrong usage");
        }
    }
    if (optind < argc)
        return usage("arguments without an option are not understood");
    return a->dir || a->config || a->new_server_key ? EXIT_DONE : usage("where? give --dir DIR or --config FILE");
}
