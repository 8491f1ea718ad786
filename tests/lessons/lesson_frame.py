"""More rules, as in lesson_form.py: a lesson is short, has its frame, and its numbers are checked."""
import ast
import html.parser
import itertools
import re

from build import tags
from lesson_form import is_checked, markers, rule, said


def words(cell):
    """The words a learner reads: without listings, comments, tags and addresses of links."""
    text = re.sub(r"(?s)```.*?```|<!--.*?-->|</?[a-z]+( [^<>]*)?>", " ", cell.source)
    return len(re.findall(r"\w[\w'’.-]*", re.sub(r"\]\([^)]*\)", "]", text)))


@rule
def the_lesson_is_short(page):
    total = sum(words(cell) for _, cell in page.prose)
    # 27 for the lesson, and two for each of five exercises and their sum; the cabinet of traps (90) has
    # thirteen drawers of four cells, each on its own
    allowed = 64 if page.name.startswith("9") else 38
    if len(page.cells) > allowed:
        yield f"{len(page.cells)} cells; {allowed} are allowed: one idea less"
    if total > 1600:
        yield f"{total} words of prose; 1,600 are allowed"


@rule
def prose_cells_are_short(page):
    lengths = [(words(cell), n) for n, cell in page.prose]
    long = sorted((item for item in lengths if item[0] > 110), reverse=True)
    if long and (long[0][0] > 130 or len(long) > len(lengths) / 10):
        cells = "; ".join(f"cell {n} has {count} words" for count, n in long)
        yield f"{cells}: 110 at most, one in ten up to 130"


@rule
def code_cells_are_short(page):
    lines = [(sum(bool(line.strip()) for line in cell.source.splitlines()) - len(markers(cell.source)), n)
             for n, cell in page.code]
    ranked = sorted(lines, reverse=True)
    if ranked and ranked[len(ranked) // 2][0] > 8:
        yield f"half of the code cells have more than {ranked[len(ranked) // 2][0] - 1} lines; 8 at most"
    long = [item for item in ranked if item[0] > 16]
    if len(long) > len(lines) / 10:
        cells = "; ".join(f"cell {n} has {count} lines" for count, n in long)
        yield f"{cells}: 16 at most in nine cells of ten"


@rule
def the_title_is_a_question(page):
    first = page.cells[0][1].source.strip().splitlines()[0] if page.cells else ""
    if not re.match(r"# \S", first):
        yield f"the first cell begins with {first[:40]!r}; it should be the title, '# ...'"
    elif page.is_chapter and not first.rstrip().endswith("?"):
        yield f"the title is not a question: {first!r}"


@rule
def objectives_and_minutes_are_told(page):
    start = "\n".join(cell.source for _, cell in page.prose[:3])
    objectives = re.search(r"^You will\b.*\n+((?:^[-*] .*\n?(?:^ +\S.*\n?)*)+)", start, re.MULTILINE)
    count = len(re.findall(r"^[-*] ", objectives[1], re.MULTILINE)) if objectives else 0
    if count != 3:
        yield f"the first cells have {count} lines under 'You will'; three are due: '- ...'"
    if not minutes(start):
        yield "the first cells do not say how many minutes it takes: '20 minutes, ...'"


@rule
def guesses_are_asked_and_answered(page):
    asked = [(i, re.search(r"^(guess\w*) *= *\.\.\.", cell.source, re.MULTILINE)) for i, (_, cell) in
             enumerate(page.code)]
    asked = [(i, found[1]) for i, found in asked if found]
    if page.is_chapter and len(asked) < 3:
        yield f"{len(asked)} cells ask for a guess (guess = ...); a chapter has three or more"
    for (i, name), (end, _) in itertools.pairwise([*asked, (None, "")]):
        answers = [cell for _, cell in page.code[i:end] if "reveal" in tags(cell)]
        if not any(re.search(rf"\b{name}\b", cell.source) for cell in answers):
            yield f"the guess in cell {page.code[i][0]} is not taken up by a reveal cell before the next"


class _Images(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.alts = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.alts.append((dict(attributes).get("alt") or "").strip())


@rule
def every_image_is_described(page):
    for n, cell in enumerate(page.notebook.cells, 1):
        shown = [cell.source] if cell.cell_type == "markdown" else []
        alts = [alt.strip() for text in shown for alt in re.findall(r"!\[([^\]]*)\]", text)]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown.append(data.get("text/html", ""))
            if any(kind.startswith("image/") for kind in data):  # whose alt metadata JupyterLab would drop
                yield f"cell {n} shows a bare figure; show it with show(figure, alt)"
        alts += [alt for text in shown for alt in _Images(text).alts]
        if "" in alts:
            yield f"cell {n} has an image without alt text: say what it shows"


@rule
def three_sentences_to_keep(page):
    sections = [cell.source.split("Three sentences to keep", 1)[1] for _, cell in page.prose
                if re.search(r"^#+ Three sentences to keep", cell.source, re.MULTILINE)]
    if page.is_chapter and not sections:
        yield "there is no section '## Three sentences to keep'"
    for section in sections:
        count = len(re.findall(r"[.?](?=[\s*_)]|$)", section.strip().split("\n\n")[0]))
        if count != 3:
            yield f"'Three sentences to keep' has {count} sentences"


@rule
def the_score_is_told(page):
    """Run All on a fresh notebook has solved nothing; on the solutions, everything."""
    scores = re.findall(r"(\d+) of (\d+) solved", "\n".join(said(cell.outputs) for _, cell in page.code))
    if page.is_chapter and not scores:
        yield "no cell says how many exercises are solved: '0 of 5 solved'"
    for solved, of in scores[-1:]:
        if solved != (of if page.is_solved else "0"):
            face = "solutions" if page.is_solved else "notebook of the learner"
            yield f"'{solved} of {of} solved' in the {face}"


NUMBER = r"(?<![\w.])(\d+\.\d+|\.\d+|\d+)(?!\d|\.\d)"


def numbers(text):
    """The decimal numbers in a text, as a set of floats; 1,294 is one number, 3.15.1 is none."""
    return {float(found) for found in re.findall(NUMBER, re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))}


def numbers_in_code(source):
    """The literals of a cell. Its comments and strings are prose, and prove nothing."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return set()
    return {float(node.value) for node in nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float))}


ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen").split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SPELT = {word: n for n, word in enumerate(ONES)} | {"a hundred": 100, "half a": 0.5}
SPELT |= {tens + (f"-{ONES[one]}" if one else ""): 10 * n + one for n, tens in enumerate(TENS, 2)
          for one in range(10)}
UNITS = r"(?:(?:percentage )?points?|per ?cent)\b"
# "a point" is a number after a verb that makes it one: it costs a point
A_POINT = r"(?i)(?<=\b)((?:cost|lose|gain|save|win|add)s? )a(?= point\b)"
WORDS = rf"(?i)\b(?:{'|'.join(sorted(SPELT, key=len, reverse=True))})(?=[ -]{UNITS})"


def digits(text):
    """The text with digits for number words that stand before a unit: "seven points" is "7 points"."""
    text = re.sub(A_POINT, r"\g<1>1", text)
    return re.sub(WORDS, lambda found: str(SPELT[found[0].lower()]), text)


@rule
def numbers_in_prose_are_checked(page):
    """Decimals, percentages and points come from a checked cell of the solutions or stand in its code.

    Number words count where a unit follows them. Points may be rounded ("seven points" of 7.1), and must have
    been printed. A premise is named in the lesson, in the cell itself: <!-- given: 0.01, 95 -->. Listings and
    the numbers of exercises are free, and other whole numbers are left to the reader.
    """
    cells = [cell for cell in page.solved.cells if cell.cell_type == "code" and "setup" not in tags(cell)]
    printed = set().union(*(numbers(said(cell.outputs)) for cell in cells if is_checked(cell)))
    known = printed.union(*(numbers_in_code(cell.source) for cell in cells))
    exercise = rf"{int(page.name[:2])}\.\d\b"
    for n, cell in page.prose:
        given = numbers(page.given.get(cell.source, ""))
        text = re.sub(r"(?s)```.*?```|<!--.*?-->|\]\([^)]*\)", " ", cell.source)
        text = re.sub(rf"(?m)(?:^#+ |^[-*\s]*\*\*|[Ee]xercises? )(?:Exercise )?{exercise}", " ", text)
        text = digits(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
        for found, unit in re.findall(NUMBER + rf"(\s?%|[\s-]{UNITS})?", text):
            if not unit and "." not in found:
                continue
            value, places = float(found), len(found.partition(".")[2])
            if unit.endswith(("point", "points")):
                right = {round(each, places) for each in printed} | given
            else:
                right = known | given
            if not {value, round(value / 100, 10) if unit else value} & right:
                yield (f"cell {n}: {found}{unit} is printed by no checked cell (# NBVAL_CHECK_OUTPUT) "
                       f"and is in no code; print it, drop it, or say <!-- given: {found} --> if given")


@rule
def next_is_a_link(page):
    for n, cell in page.prose:
        for line in re.findall(r"(?m)^Next\b.*$", cell.source):
            if not re.search(r"\]\(\d\d\w*\.ipynb\)", line):
                yield f"cell {n}: {line[:40]!r} is no link; write 'Next: [02 Budgets](02_budgets.ipynb)'"


def minutes(text):
    """The minutes to read that the first cells of a lesson promise, or None."""
    named = {"five": 5, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30}
    found = re.search(r"\b(\d+|" + "|".join(named) + r") minutes\b", text, re.IGNORECASE)
    return None if found is None else named.get(found[1].lower()) or int(found[1])
