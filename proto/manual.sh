#!/bin/sh
# Prints modq-protocol(7), made of PROTOCOL.md. usage: proto/manual.sh VERSION
set -eu

version=$1
here=$(dirname "$0")
date=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y "$here/PROTOCOL.md")}" +%F)
command -v lowdown >/dev/null || {
    echo "modq-protocol(7) is made with lowdown, which is not here. As root: apt-get install lowdown;" >&2
    echo "or go without the page: make install PROTOCOL_MANUAL=" >&2
    exit 1
}

body()
{
    printf '# NAME\n\nmodq-protocol - what modqd and its clients say to each other\n\n# DESCRIPTION\n\n'
    awk -f "$here/manual.awk" "$here/PROTOCOL.md"
    printf '\n# SEE ALSO\n\n**libmodq**(3), **modqd.conf**(5), **modq**(1), **modqd**(8)\n'
}

# lowdown draws definitions up to their term with .sp, and puts headings on a line of their own; groff, mandoc and
# lexgrog all know .TP and .SH TITLE. A terminal has no typewriter's font.
tidy()
{
    awk '
        { gsub(/\\fC/, "\\fB") }
        /^\.if [nt] \\$/ { getline; next }
        /^\.IP "" 5n$/ { line[n] = ".TP\n" line[n]; next }
        /^\.S[HS]$/ { getline title; line[++n] = $0 " " title; next }
        { line[++n] = $0 }
        END {
            for (i = 1; i <= n; i++)
                if (line[i] != ".LP" || (line[i - 1] !~ /^\.S[HS] / && line[i + 1] !~ /^\.TP/))
                    print line[i]
        }'
}

body | lowdown -s -tman --parse-no-super --parse-no-intraemph --out-no-smarty -M title=MODQ-PROTOCOL -M section=7 -M date="$date" \
    -M source="modqd $version" | tidy
