"""Which recipes will work on a source."""

from ..values.model import Quantisation
from ..values.recipe import recipes
from ..values.support import refusal
from .inspection import Outlook


def outlook(quantisation: Quantisation) -> tuple[Outlook, ...]:
    """Every recipe, in the order of the table, with the reason and the way out where it will not work."""
    result = []
    for name, recipe in recipes().items():
        no = refusal(quantisation, recipe)
        result.append(Outlook(recipe=name, works=no is None, why=no.why if no else "", fix=no.fix if no else ""))
    return tuple(result)
