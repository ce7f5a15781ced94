"""The one table of cells: the name of each model that is a stack, and the cell that it is a stack of."""

from anaphora.models.cells.block import BlockCell
from anaphora.models.cells.cell import Cell
from anaphora.models.cells.fused import ElmanCell, GruCell, LstmCell
from anaphora.models.cells.layernorm import LayerNormCell
from anaphora.models.cells.mingru import MinGruCell
from anaphora.models.cells.minlstm import MinLstmCell
from anaphora.models.cells.mogrifier import MogrifierCell
from anaphora.models.cells.qrnn import QrnnCell
from anaphora.models.cells.rglru import RgLruCell
from anaphora.models.cells.sru import SruCell
from anaphora.models.cells.zoneout import ZoneoutCell

CELLS: dict[str, type[Cell]] = {
    "awd-elman": ElmanCell,
    "awd-gru": GruCell,
    "awd-lstm": LstmCell,
    "block": BlockCell,
    "layernorm-lstm": LayerNormCell,
    "mingru": MinGruCell,
    "minlstm": MinLstmCell,
    "mogrifier": MogrifierCell,
    "qrnn": QrnnCell,
    "rglru": RgLruCell,
    "sru": SruCell,
    "zoneout-lstm": ZoneoutCell,
}
