"""A plain PyTorch version of one Wan 2.1 1.3B transformer step, for comparison: the same mathematics as Fabula's, eager mode, CPU.

Reads lines from standard input; for each runs one step and prints its seconds. `gemm` measures the matrix product alone.
Usage: wan_step.py DTYPE THREADS LAYERS   (THREADS 0: PyTorch's own default)
"""
import sys
import time

import torch
import torch.nn.functional as F

dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[sys.argv[1]]
if int(sys.argv[2]):
    torch.set_num_threads(int(sys.argv[2]))
layers = int(sys.argv[3])
DIM, FFN, HEADS, TOKENS, TEXT, FRAMES, ROWS, COLUMNS = 1536, 8960, 12, 1280, 512, 5, 16, 16
HEAD = DIM // HEADS
torch.manual_seed(0)


def linear(inputs, outputs):
    return (torch.randn(outputs, inputs) / inputs**0.5).to(dtype), torch.zeros(outputs, dtype=dtype)


def block():
    return {
        "modulation": torch.randn(1, 6, DIM) / DIM**0.5,
        "self": [linear(DIM, DIM) for _ in range(4)],
        "cross": [linear(DIM, DIM) for _ in range(4)],
        "norms": [torch.ones(DIM) for _ in range(4)],
        "norm3": (torch.ones(DIM), torch.zeros(DIM)),
        "ffn": (linear(DIM, FFN), linear(FFN, DIM)),
    }


def rms(x, weight):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6) * weight).to(x.dtype)


def rotate(x, angles):
    pairs = torch.view_as_complex(x.float().reshape(1, TOKENS, HEADS, HEAD // 2, 2))
    return torch.view_as_real(pairs * angles).flatten(3).to(x.dtype)


def attention(q, k, v):
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    return (torch.softmax(q @ k.transpose(2, 3) * HEAD**-0.5, -1) @ v).transpose(1, 2).flatten(2)


def apply(x, pair):
    return F.linear(x, *pair)


def tanh_gelu(x):
    return F.gelu(x, approximate="tanh")


def step(x, text, time_six, angles, blocks):
    for b in blocks:
        e = (b["modulation"] + time_six).chunk(6, dim=1)
        y = (F.layer_norm(x, (DIM,), eps=1e-6) * (1 + e[1]) + e[0]).to(dtype)
        q, k, v = (apply(y, b["self"][i]) for i in range(3))
        q = rotate(rms(q, b["norms"][0]).unflatten(2, (HEADS, HEAD)), angles)
        k = rotate(rms(k, b["norms"][1]).unflatten(2, (HEADS, HEAD)), angles)
        y = apply(attention(q, k, v.unflatten(2, (HEADS, HEAD))), b["self"][3])
        x = x + y.float() * e[2]
        y = F.layer_norm(x, (DIM,), *b["norm3"], eps=1e-6).to(dtype)
        q = rms(apply(y, b["cross"][0]), b["norms"][2]).unflatten(2, (HEADS, HEAD))
        k = rms(apply(text, b["cross"][1]), b["norms"][3]).unflatten(2, (HEADS, HEAD))
        v = apply(text, b["cross"][2]).unflatten(2, (HEADS, HEAD))
        x = x + apply(attention(q, k, v), b["cross"][3]).float()
        y = (F.layer_norm(x, (DIM,), eps=1e-6) * (1 + e[4]) + e[3]).to(dtype)
        y = apply(tanh_gelu(apply(y, b["ffn"][0])), b["ffn"][1])
        x = x + y.float() * e[5]
    return x


with torch.inference_mode():
    blocks = [block() for _ in range(layers)]
    x = torch.randn(1, TOKENS, DIM)
    text = torch.randn(1, TEXT, DIM).to(dtype)
    time_six = torch.randn(1, 6, DIM)
    angles = torch.polar(torch.ones(TOKENS, HEAD // 2), torch.randn(TOKENS, HEAD // 2)).reshape(1, TOKENS, 1, HEAD // 2)
    a, w = torch.randn(TOKENS, DIM).to(dtype), linear(DIM, FFN)
    print("ready", torch.__version__, torch.get_num_threads(), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        if line.strip() == "gemm":
            F.linear(a, *w)
        else:
            step(x, text, time_six, angles, blocks)
        print(time.perf_counter() - start, flush=True)
