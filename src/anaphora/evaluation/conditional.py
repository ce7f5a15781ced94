"""How well a conditional model predicts documents: each read from its beginning, under its label or under none."""

import numpy as np
import torch
from numpy.typing import NDArray

from anaphora.data.document_windows import NO_LABEL, DocumentWindows
from anaphora.data.documents import EncodedDocuments
from anaphora.evaluation.evaluate import Sums
from anaphora.models.conditional import ConditionalLanguageModel
from anaphora.models.stepping import inference

_READ_TOGETHER, _WINDOW = 32, 256  # documents, tokens of each at a time


def score_documents(
    model: ConditionalLanguageModel,
    documents: EncodedDocuments,
    *,
    start_id: int,
    unk_id: int | None = None,
    with_label: bool = True,
    indices: NDArray[np.int64] | None = None,
) -> Sums:
    """Score every token of some documents, by default of all.

    Args:
        model: in any mode, on any device.
        documents: with the labels' numbers.
        start_id: the token that stands before a document.
        unk_id: `<unk>`, where the vocabulary has it.
        with_label: under its label; else under the condition "none".
        indices: (N,), of documents.
    """
    chosen = np.arange(len(documents)) if indices is None else indices
    nats, correct, tokens = torch.zeros(2, dtype=torch.float64), 0, 0
    with inference(model):
        state = model.initial_state(_READ_TOGETHER)
        for on_cpu in DocumentWindows(documents, _READ_TOGETHER, _WINDOW, start_id=start_id).in_order(chosen):
            batch = on_cpu.to(model.device)
            if not batch.continues:
                labels = batch.labels if with_label else torch.full_like(batch.labels, NO_LABEL)
                state = model.initial_state_for(labels)
            log_probs, hits, state = model.score_targets(batch.inputs, batch.targets, state)
            lost = -log_probs.double()[batch.inside]
            unknown = torch.zeros_like(batch.inside) if unk_id is None else batch.targets == unk_id
            is_unknown = unknown[batch.inside]
            nats += torch.stack([lost[~is_unknown].sum(), lost[is_unknown].sum()]).cpu()
            correct += int((hits & batch.inside).sum())
            tokens += batch.num_targets
    return Sums(float(nats[0]), float(nats[1]), correct, tokens)
