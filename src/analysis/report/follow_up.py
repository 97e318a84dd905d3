"""The follow-up tasks as a file of a report, handed over by the notebook of the goals.

In a batch the kernel is told the folder of the report; a notebook that is opened by hand has none, and
writes nothing.
"""

import os
from pathlib import Path

from analysis.company import Company
from analysis.display import Note
from analysis.follow_up import follow_ups
from analysis.labels import Labels
from analysis.report.customers import FOLDER
from analysis.report.files import csv_text, write_text
from analysis.texts import say, say_n

FILE = "follow_up.csv"


def save_follow_up(company: Company, labels: Labels, folder: str | Path | None = None) -> Note:
    """Write `follow_up.csv` into the report's folder, or the one given.

    CSV in UTF-8, all of it text, the header alone where there is no task; a cell that a spreadsheet would
    take for a formula begins with an apostrophe. What comes back says what was done, and no path.
    """
    found = follow_ups(company, labels)
    tasks = say_n("{number} task", "{number} tasks", len(found), number=labels.plain(len(found)))
    place = folder or os.environ.get(FOLDER, "")
    if not place:
        return Note(
            say("Nothing was written: in a report this is {file}, with {tasks}.", file=FILE, tasks=tasks)
        )
    write_text(Path(place) / FILE, csv_text(found))
    return Note(say("Written beside this report: {file}, with {tasks}.", file=FILE, tasks=tasks))
