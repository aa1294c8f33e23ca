"""A table that stands in a document between two marks, and whose columns are compared."""


class MarkedSection:
    """What stands between the lines `<!-- BEGIN name -->` and `<!-- END name -->`."""

    def __init__(self, path, name):
        self._path = path
        self._begin, self._end = f"<!-- BEGIN {name} -->\n", f"<!-- END {name} -->\n"

    def read(self):
        text = self._path.read_text()
        return text.split(self._begin, 1)[1].split(self._end, 1)[0]

    def write(self, section):
        before, rest = self._path.read_text().split(self._begin, 1)
        after = rest.split(self._end, 1)[1]
        self._path.write_text(before + self._begin + section + self._end + after)


def in_groups(columns):
    """[(names, cells)] of {name: cells}: those with equal cells together, in order."""
    groups = []
    for name, cells in columns.items():
        for names, others in groups:
            if others == cells:
                names.append(name)
                break
        else:
            groups.append(([name], cells))
    return groups


def render(corner, rows, columns):
    """`columns`: {name: [cell of each row]}. Equal columns stand together."""
    groups = in_groups(columns)
    lines = [[corner, *(", ".join(names) for names, _ in groups)], ["---"] * (len(groups) + 1)]
    lines += [[row, *(cells[i] for _, cells in groups)] for i, row in enumerate(rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def parse(text):
    """(rows, columns) of the last table in the text, as they were given to render()."""
    block = next(block for block in reversed(text.split("\n\n")) if block.strip())
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")]
             for line in block.strip().splitlines()]
    header, _, *body = lines
    columns = {name: [line[i] for line in body]
               for i, names in enumerate(header) if i for name in names.split(", ")}
    return [line[0] for line in body], columns
