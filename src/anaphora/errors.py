"""Every error that anaphora raises on purpose, in one tree.

    AnaphoraError            something the user can mend; the command line prints it and exits with 2
    ├── ConfigError          a setting: unknown key, bad value, choices that do not go together
    ├── CorpusError          a text: missing, empty, binary, in another encoding, too short to split
    │   └── DownloadError    a known corpus could not be fetched, or its checksum is wrong
    ├── TokenizerError       a tokenizer: cannot be trained on this text, cannot encode this character
    ├── BundleError          a model folder or checkpoint: missing, incomplete, corrupt, from a newer version
    ├── TrainingError        a run that cannot go on: no data for one window, loss not finite three times
    └── GenerationError      a request that cannot be met: a prompt the vocabulary cannot express
    AnaphoraWarning          a setting without effect, a text that was changed on the way in

A message says what is wrong, the offending value, where it stands (file and line) and what to do about it.
`assert` is for our own mistakes and never for input.
"""


class AnaphoraError(Exception):
    """Base class of the errors that a user can mend."""

    exit_code = 2


class ConfigError(AnaphoraError):
    """A setting has an unknown name, a bad value, or contradicts another."""


class CorpusError(AnaphoraError):
    """A text cannot be read or is unfit for the task."""


class DownloadError(CorpusError):
    """A known corpus could not be fetched, or what came is not what was published."""


class TokenizerError(AnaphoraError):
    """A tokenizer cannot be built, loaded, or applied to a text."""


class BundleError(AnaphoraError):
    """A model folder or checkpoint is missing, incomplete, corrupt or from a newer version."""


class TrainingError(AnaphoraError):
    """A training run cannot start or cannot go on."""


class GenerationError(AnaphoraError):
    """A generation request cannot be met."""


class AnaphoraWarning(UserWarning):
    """Something the user should know that does not stop the work."""
