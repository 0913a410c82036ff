/* Log lines to standard error. Never the text of a comment, never a secret. */
#ifndef MODQD_LOG_H
#define MODQD_LOG_H

/* With the priority as systemd reads it in front of the line ("<6>") when standard error is the journal's. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
