"""familychat: a household talks to language models that run at home.

The library holds people, conversations, permissions and the talk with model servers. Start at
:class:`familychat.household.Household`, which opens a data folder and offers everything else.
"""

__version__ = "0.1.0"
