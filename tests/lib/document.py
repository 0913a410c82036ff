"""Reads the tables of proto/PROTOCOL.md that stand between markers."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(ROOT, "proto/PROTOCOL.md")


def table(name):
    """Rows of a table as maps from column to cell."""
    with open(PATH, encoding="utf-8") as file:
        text = file.read()
    part = text.split(f"<!-- {name} table: begin -->")[1].split(f"<!-- {name} table: end -->")[0]
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in part.strip().splitlines()]
    head = rows[0]
    return [dict(zip(head, cells)) for cells in rows[2:]]


def errors():
    """Name to number, class and further keys."""
    found = {}
    for row in table("error"):
        keys = re.sub(r"\(.*?\)", "", row["further keys"])
        found[row["name"]] = {"number": int(row["number"]), "class": row["class"],
                              "keys": [key.strip() for key in keys.split(",") if key.strip()]}
    return found


def limits():
    """Name to default, least, most and the error beyond it."""
    return {row["name"]: {"default": int(row["default"]), "least": int(row["least"]), "most": int(row["most"]),
                          "beyond": row["what happens beyond"]} for row in table("limits")}


def states():
    """(state, event) to the text of the cell."""
    return {(row["state"], event): cell for row in table("state") for event, cell in row.items() if event != "state"}


def _section(heading):
    with open(PATH, encoding="utf-8") as file:
        return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", file.read(), re.S | re.M)[1]


def operations():
    """(socket, operation) of everything that can be asked for, from headings and the sentences that name more."""
    headings = {part: re.findall(r"^### ([a-z_, ]+?)(?: \(changing\))?$", _section(part), re.M)
                for part in ("Operations of the front socket", "Operations of the desk socket", "Keys")}
    found = {("front" if "front" in part else "desk", name) for part, names in headings.items()
             for line in names for name in line.split(", ")}
    found |= {("front", name) for name in re.findall(r"^\| `(\w+)` \| `stream`", _section("Operations of the front socket"),
                                                     re.M)}
    also = re.search(r"^Also (.*?), as on front\.", _section("Operations of the desk socket"), re.S | re.M)[1]
    found |= {("desk", name) for name in re.findall(r"`(hello|policy|status)`", also)}
    push = re.search(r"`op` one of (.*?), without any answer", _section("The push socket"), re.S)[1]
    return found | {("push", name) for name in re.findall(r"`(\w+)`", push)}


def kinds():
    """Kinds of events: those of a history, and those that are about no comment."""
    with open(PATH, encoding="utf-8") as file:
        text = file.read()
    about_comments = re.search(r"Each event: .*?`kind` \((.*?)\)", text, re.S)[1]
    about_none = re.search(r"Kinds that are about no comment: (.*?): ", text, re.S)[1]
    return set(re.findall(r"`(\w+)`", about_comments + about_none))
