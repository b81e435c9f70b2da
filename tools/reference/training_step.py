"""PyTorch's side of bench/training-step.ts: one training step per line of standard input, milliseconds on the wall and
of the processor per line of output."""

import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, c)
        x = x + self.proj(attended)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class ConvBlock(nn.Module):
    def __init__(self, c, kernel):
        super().__init__()
        self.dw = nn.Conv2d(c, c, kernel, padding=kernel // 2, groups=c)
        self.norm = nn.LayerNorm(c, eps=1e-6)
        self.fc1, self.fc2 = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)
        self.gamma = nn.Parameter(torch.full((c,), 0.1))

    def forward(self, x):
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        y = self.gamma * self.fc2(F.gelu(self.fc1(y)))
        return x + y.permute(0, 3, 1, 2)


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def convnext(depths, dims, kernel):
    layers = [nn.Conv2d(3, dims[0], 4, 4), ChannelNorm(dims[0], eps=1e-6)]
    for i, depth in enumerate(depths):
        if i > 0:
            layers += [ChannelNorm(dims[i - 1], eps=1e-6), nn.Conv2d(dims[i - 1], dims[i], 2, 2)]
        layers += [ConvBlock(dims[i], kernel) for _ in range(depth)]
    return nn.Sequential(*layers)


name, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)
if name == 'transformer':
    model, shape = nn.Sequential(*[Block(192, 3) for _ in range(4)]), (16, 256, 192)
else:
    model, shape = convnext([1, 2, 4, 1], [32, 64, 128, 256], 7 if name == 'convnext-7' else 5), (16, 3, 128, 128)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
x = torch.sin(torch.arange(torch.Size(shape).numel()) * 0.37).reshape(shape)

for line in sys.stdin:
    if line.strip() == 'memory':
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
        continue
    start, processor = time.perf_counter(), time.process_time()
    optimizer.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
    print((time.perf_counter() - start) * 1000, (time.process_time() - processor) * 1000, flush=True)
