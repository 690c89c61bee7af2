"""One page of a run: `RUN/report.html`, with its scores, pictures and curves. It asks nothing of the network.

Everything lies in the file: styles, charts (SVG), pictures (data URIs) and thirty lines of script that read the charts
out under the pointer. A Content-Security-Policy forbids whatever else a browser would load or run. Text enters through
`markup.tag`, which escapes it.

    page      the page, put together and written
    facts     all that it tells, gathered from the run's folder
    header    its head: what the run is, and what it has reached
    scores    results, a table for each direction
    gallery   held-out images beside their translations
    changes   every change of the same images, of attributes
    curves    what is drawn over the steps: scores, losses, speed
    findings  what the doctor found
    previews  the same images as the run went on
    about     data, machine, commands, configuration
    chart     a line chart as SVG and HTML
    pictures  images as data URIs
    sampling  fewer of many: images, points of a curve
    wording   numbers and times in words
    markup    HTML that escapes what enters it

`style.css` and `script.js` go into each page as they stand.
"""

from unpaired.report.page import write_report

__all__ = ["write_report"]
