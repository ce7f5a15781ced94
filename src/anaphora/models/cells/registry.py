"""The one table of cells: the name of each model that is a stack, and the cell that it is a stack of."""

from anaphora.models.cells.cell import Cell
from anaphora.models.cells.fused import GruCell, LstmCell
from anaphora.models.cells.mingru import MinGruCell
from anaphora.models.cells.minlstm import MinLstmCell
from anaphora.models.cells.qrnn import QrnnCell
from anaphora.models.cells.rglru import RgLruCell
from anaphora.models.cells.sru import SruCell

CELLS: dict[str, type[Cell]] = {
    "awd-gru": GruCell,
    "awd-lstm": LstmCell,
    "mingru": MinGruCell,
    "minlstm": MinLstmCell,
    "qrnn": QrnnCell,
    "rglru": RgLruCell,
    "sru": SruCell,
}
