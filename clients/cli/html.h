/* Text for a page. */
#ifndef MODQ_HTML_H
#define MODQ_HTML_H

#include "render.h"

/* Appends others' text as text of a page or of an attribute in double quotes: first made harmless as on a terminal
 * (render_line), then no markup, and its direction kept from what stands beside. */
void html_text(struct text *out, struct slice untrusted);
void html_quoted(struct text *out, struct slice untrusted); /* without <bdi>, for attributes and titles */

/* Appends what render_line gave, or our own words. */
void html_escape(struct text *out, struct slice rendered);

#endif
