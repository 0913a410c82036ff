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
