"""The one table of cells: the name of each model that is a stack, and the cell that it is a stack of."""

from anaphora.models.cells.cell import Cell
from anaphora.models.cells.fused import GruCell, LstmCell

CELLS: dict[str, type[Cell]] = {
    "awd-gru": GruCell,
    "awd-lstm": LstmCell,
}
