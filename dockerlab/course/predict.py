"""A prediction: the student commits to an answer before the cell that shows it."""

import ipywidgets

from dockerlab.course.bench import Bench, present
from dockerlab.course.card import Card, shown
from dockerlab.course.progress import Guess, note_prediction
from dockerlab.errors import UsageError
from dockerlab.facts import plain
from dockerlab.language import _

# a button's words may be a whole sentence, which ipywidgets would cut off
_STYLE = (
    ".dockerlab-prediction{border-left:5px solid #2b5fb3;padding:.3em 1em}"
    ".dockerlab-choice{white-space:normal;text-align:left;line-height:1.4;padding:.35em .8em}"
    ".dockerlab-choice.dockerlab-chosen{background:#2b5fb3;color:#fff;font-weight:bold}"
)


class Prediction:
    """A question with its choices: buttons while the kernel runs, still text elsewhere.

    Parameters
    ----------
    question : str
        What will happen?
    choices : dict
        Each answer by its name.
    bench : Bench
        Where the student's answer is kept, by question. A cell that runs again shows it still:
        JupyterLab selects the cell in which the student clicked, so its next run is this one's.
    """

    def __init__(self, question: str, choices: dict[str, str], bench: Bench) -> None:
        self.question = plain(question)
        self.choices = {key: plain(words) for key, words in choices.items()}
        self._chapter = bench.chapter.number
        self._answers = bench.answers
        self._revealed = False
        self._buttons = {key: self._button(key) for key in choices}
        self._note = ipywidgets.HTML()
        self._panel = self._build()
        if self.chosen:
            self._mark(self.chosen)

    @property
    def chosen(self) -> str | None:
        """The name of the student's choice, None until there is one."""
        answer = self._answers.get(self.question)
        return answer if answer in self.choices else None

    def choose(self, key: str) -> None:
        """Commit to an answer, as a click does; the first one counts."""
        if self.chosen is None and not self._revealed:
            self._answers[self.question] = key
            self._mark(key)

    def reveal(self, actual: str) -> Card:
        """Set the student's answer beside the engine's.

        Parameters
        ----------
        actual : str
            The name of the right choice, computed from the engine.

        Raises
        ------
        UsageError
            No choice has this name.
        """
        if actual not in self.choices:
            raise UsageError(
                _("{actual!r} is none of the choices.").format(actual=actual),
                _("The choices are {names}.").format(names=", ".join(self.choices)),
            )
        self._revealed = True
        engine = (_("The engine says"), self.choices[actual])
        if self.chosen is None:
            self._note.value = shown(_("The answer has been given, below."))
            note = _("You made no prediction this time: next time, choose before you run the cell.")
            return Card("neutral", _("Answer"), self.question, (note,), (engine,))
        right = self.chosen == actual
        note_prediction(self._chapter, self.question, Guess(self.chosen, right))
        if right:
            return Card("good", _("As you said"), self.question, facts=(engine,))
        mine = (_("You said"), self.choices[self.chosen])
        note = _("A surprise is worth more than a right guess: read on for the reason.")
        return Card("changed", _("Surprise"), self.question, (note,), (mine, engine))

    @property
    def text(self) -> str:
        """The question and its choices, without the student's answer."""
        choices = [f"  ( ) {words}" for words in self.choices.values()]
        return "\n".join([f"? {self.question}", *choices])

    @property
    def html(self) -> str:
        """The same as HTML, for pages without a kernel."""
        choices = "".join(f"<li>{shown(words)}</li>" for words in self.choices.values())
        return (
            '<div style="border-left:5px solid #2b5fb3;padding:.3em 1em .5em;margin:.3em 0;'
            f'max-width:56em;line-height:1.45">{self._head}<ul>{choices}</ul></div>'
        )

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        del include, exclude  # IPython filters what it did not ask for itself
        live = self._panel._repr_mimebundle_()
        return {**live, "text/html": self.html, "text/plain": self.text}

    @property
    def _head(self) -> str:
        return f"<b>{_('Your prediction')}:</b> {shown(self.question)}"

    def _build(self) -> ipywidgets.VBox:
        head = ipywidgets.HTML(f"<style>{_STYLE}</style>{self._head}")
        panel = ipywidgets.VBox([head, *self._buttons.values(), self._note])
        panel.add_class("dockerlab-prediction")
        return panel

    def _button(self, key: str) -> ipywidgets.Button:
        wide = ipywidgets.Layout(width="auto", height="auto", max_width="52em")
        button = ipywidgets.Button(description=self.choices[key].replace("`", ""), layout=wide)
        button.add_class("dockerlab-choice")
        button.on_click(lambda _button: self.choose(key))
        return button

    def _mark(self, key: str) -> None:
        # not disabled: that would take the keyboard away from the notebook
        self._buttons[key].icon = "check"
        self._buttons[key].add_class("dockerlab-chosen")
        self._note.value = shown(_("That is your answer. Go on to the next cell."))


def predict(question: str, **choices: str) -> Prediction:
    """Ask the student for an answer before the cell that shows it.

    Parameters
    ----------
    question : str
        What will happen?
    **choices : str
        Two or more answers; the name of each is what ``reveal`` is called with.

    Examples
    --------
    >>> guess = lab.predict("Is the image smaller now?", yes="It is.", no="It is not.")
    >>> guess.reveal("yes" if after < before else "no")

    Raises
    ------
    UsageError
        There are fewer than two choices.
    """
    if len(choices) < 2:
        raise UsageError(
            _("A prediction needs two choices."), _('Add them by name: yes="…", no="…".')
        )
    return Prediction(question, choices, present())
