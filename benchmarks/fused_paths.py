"""Are the framework's fused recurrent kernels in use? The profiler's answer for each recurrent model.

On CUDA every recurrent model must run as aten::_cudnn_rnn, forwards and backwards. On the CPU an LSTM must run as
aten::mkldnn_rnn_layer (oneDNN), except in float32 at this size, where anaphora's own recurrence is faster.
PyTorch has no fused GRU and Elman layers for the CPU: the details list what runs instead.
"""

import torch
from torch.profiler import ProfilerActivity, profile

from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.registry import build_model, model_config
from benchmarks.harness import Figure, Result, parse_options

NAMES = ("lstm", "gru", "elman")
VOCAB_SIZE, BATCH_SIZE, SEQ_LEN = 80, 64, 40


def recurrent_operations(name: str, device: torch.device, autocast: bool) -> dict[str, int]:
    """Return how often each recurrent operation runs in one training step of the model of that name."""
    model = build_model(model_config(name), VOCAB_SIZE).to(device)
    assert isinstance(model, NeuralLanguageModel)
    tokens = torch.randint(VOCAB_SIZE, (BATCH_SIZE, SEQ_LEN), device=device)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with profile(activities=activities) as recorded, torch.autocast(device.type, torch.bfloat16, enabled=autocast):
        loss, _ = model.loss(tokens, tokens, model.initial_state(BATCH_SIZE))
        loss.backward()
    marks = ("rnn", "lstm", "gru", "_Recurrence")
    return {event.key: event.count for event in recorded.key_averages() if any(mark in event.key for mark in marks)}


def expected_operations(name: str, device: torch.device, autocast: bool) -> tuple[str, ...]:
    """Return the operations, forwards and backwards, that a training step must use."""
    if device.type == "cuda":
        return ("aten::_cudnn_rnn", "aten::_cudnn_rnn_backward")
    if name != "lstm":
        return ()
    if autocast:
        return ("aten::mkldnn_rnn_layer", "aten::mkldnn_rnn_layer_backward")
    return ("_Recurrence", "_RecurrenceBackward")


def main() -> None:
    """Profile each recurrent model in float32 and under bfloat16 autocast."""
    options = parse_options(__doc__.splitlines()[0] if __doc__ else "")
    result = Result(name="fused-paths", about="recurrent operations in one training step, counted by torch.profiler")
    for name in NAMES:
        for autocast in (False, True):
            found = recurrent_operations(name, options.device, autocast)
            label = f"{name}, {'bfloat16' if autocast else 'float32'}, {options.device.type}"
            result.details[label] = found
            result.figures += [
                Figure(name=f"{label}: calls of {operation}", value=found.get(operation, 0), at_least=1)
                for operation in expected_operations(name, options.device, autocast)
            ]
    result.publish(options)


if __name__ == "__main__":
    main()
