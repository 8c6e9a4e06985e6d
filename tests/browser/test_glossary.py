"""The glossary as a reader of a chapter meets it: a link to a term opens it there."""

import nbformat
import pytest

from .notebook import Notebook
from .pages import SMALL

#: What the reader has before the eyes, and how far the page was scrolled for it.
PLACE = """(term) => {
    const found = document.querySelector(`.jp-MarkdownViewer [data-jupyter-id="${term}"]`);
    const page = document.querySelector('.jp-MarkdownViewer .jp-RenderedMarkdown');
    const box = page && page.getBoundingClientRect();
    return found && page.scrollTop > 0 && found.getBoundingClientRect().top - box.top < box.height / 2;
}"""


@pytest.mark.parametrize("term", ["idle-tail", "gil"])  # one with the name of its heading, one with capitals
def test_a_link_in_a_chapter_opens_the_glossary_at_its_term(own_page, server, term):
    cell = nbformat.v4.new_markdown_cell(f"[**the term**](glossary.md#{term})")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), server.notebooks / SMALL)
    Notebook(own_page, SMALL, kernel=False)
    own_page.get_by_role("link", name="the term").click()
    own_page.wait_for_function(PLACE, arg=term)


def test_a_letter_leads_to_its_first_term_within_the_glossary(own_page, server):
    cell = nbformat.v4.new_markdown_cell("[**the term**](glossary.md#address)")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), server.notebooks / SMALL)
    Notebook(own_page, SMALL, kernel=False)
    own_page.get_by_role("link", name="the term").click()
    own_page.locator(".jp-MarkdownViewer").get_by_role("link", name="R", exact=True).click()
    own_page.wait_for_function(PLACE, arg="race")
