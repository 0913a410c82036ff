# PROTOCOL.md as a manual page: `awk -f proto/manual.awk PROTOCOL.md` gives lowdown Markdown that it can set for a
# terminal. Tables of five columns of sentences do not fit there, so each row becomes an item of a list of definitions:
# its first cell the term, short cells in brackets behind it, the others below it.

function trim(text)
{
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}

# A cell as it is read outside of its column.
function cell(column,   text)
{
    text = cells[column]
    if (text == "–" || (text == "yes" && heads[column] == ""))
        return text == "yes" ? "required" : heads[column] == "" ? "optional" : ""
    return text
}

# Types, ranges and classes stand behind the term; meanings are sentences; what is left needs the column's name.
function behind(column)
{
    return heads[column] ~ /^(|type|range|class|name|in MessagePack|in section)$/ && column < columns
}

function named(column)
{
    return heads[column] !~ /^(|type|range|class|name|in MessagePack|in section|meaning|rules|may|who it is|other keys)$/
}

function row(   i, term, body, text)
{
    if (heads[1] == "number") {
        text = cells[1]
        cells[1] = "**" cells[2] "**"
        cells[2] = text
    }
    term = ""
    body = ""
    for (i = 2; i <= columns; i++) {
        text = cell(i)
        if (text != "" && behind(i))
            term = term (term == "" ? "" : ", ") text
        else if (text != "")
            body = body (body == "" ? "" : columns > 2 && named(i) ? "; " : ". ") (named(i) ? heads[i] ": " : "") text
    }
    if (cells[1] == "") {
        print "    " body "\n"
        return
    }
    if (body == "") {
        body = term
        term = ""
    }
    print cells[1] (term == "" ? "" : " (" term ")") "\n:   " (body == "" ? "as above" : body) "\n"
}

function split_row(into,   line, n, i, parts)
{
    line = $0
    gsub(/\\\|/, "\001", line)
    sub(/^\|/, "", line)
    sub(/\|[ \t]*$/, "", line)
    n = split(line, parts, "|")
    for (i = 1; i <= n; i++) {
        gsub(/\001/, "|", parts[i])
        into[i] = trim(parts[i])
    }
    return n
}

# Links lead nowhere on paper: what they are called is enough.
{
    while (match($0, /\[[^]]*\]\([^)]*\)/)) {
        link = substr($0, RSTART, RLENGTH)
        sub(/^\[/, "", link)
        sub(/\]\(.*$/, "", link)
        $0 = substr($0, 1, RSTART - 1) link substr($0, RSTART + RLENGTH)
    }
}

{ sub(/ In tables below [^.]*\./, "") } # of signs that cell() has put into words

/^```/ { fenced = !fenced }

fenced { print; next }

/^# / || /^<!--/ { next }

/^Contents: / { contents = 1 }

contents { contents = $0 != ""; next }

/^##+ / {
    sub(/^#/, "")
    print $0 ~ /^# / ? toupper($0) : $0
    next
}

/^\|[-| ]*$/ && table == 1 { table = 2; next }

/^\|/ {
    if (table)
        split_row(cells)
    else
        columns = split_row(heads)
    if (table)
        row()
    table = table ? table : 1
    next
}

{ table = 0; print }
