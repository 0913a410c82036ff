/* Addresses of the HTTP of metrics: which one it listens at, and which names it answers to. */
#ifndef MODQD_METRICS_ADDRESS_H
#define MODQD_METRICS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A socket that listens at "127.0.0.1:PORT" or "[::1]:PORT": loopback alone. -1 with the reason. */
int address_listen(const char *address, char *reason, size_t reason_bytes);

/* The port that a socket listens at. */
uint16_t address_port(int fd);

/* True when a Host header names this machine in a way that no stranger can lead here: an address, or localhost, and
 * perhaps a port. A web page whose name was made to mean 127.0.0.1 sends its own name. */
bool address_is_ours(const char *host);

#endif
