"""Makes fixtures/training/adamw.json: six steps of torch.optim.AdamW after clip_grad_norm_, with parameter groups."""

import json
import sys
from pathlib import Path

import torch

torch.manual_seed(7)
shapes = {'a.weight': (3, 5), 'a.bias': (3,), 'b.weight': (2, 3, 2)}
groups = {
    'a.weight': {'learningRateScale': 1, 'weightDecay': 0.1},
    'a.bias': {'learningRateScale': 1, 'weightDecay': 0},
    'b.weight': {'learningRateScale': 0.5, 'weightDecay': 0.01},
}
rates = [1e-3, 2e-3, 1e-2, 1e-2, 5e-3, 1e-4]
sizes = [0.05, 3, 1e-4, 0.4, 40, 0]
values = {name: torch.randn(shape) for name, shape in shapes.items()}
parameters = {name: torch.nn.Parameter(value.clone()) for name, value in values.items()}
optimizer = torch.optim.AdamW(
    [{'params': [parameters[name]], 'weight_decay': groups[name]['weightDecay']} for name in shapes],
    betas=(0.85, 0.99), eps=1e-7,
)
steps = []
for rate, size in zip(rates, sizes):
    gradients = {name: torch.randn(shape) * size for name, shape in shapes.items()}
    for group, name in zip(optimizer.param_groups, shapes):
        group['lr'] = rate * groups[name]['learningRateScale']
        parameters[name].grad = gradients[name].clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
    optimizer.step()
    steps.append({
        'learningRate': rate,
        'gradients': {name: value.flatten().tolist() for name, value in gradients.items()},
        'norm': norm.item(),
        'after': {name: value.detach().flatten().tolist() for name, value in parameters.items()},
    })
json.dump({
    'torch': torch.__version__.split('+')[0],
    'options': {'beta1': 0.85, 'beta2': 0.99, 'epsilon': 1e-7, 'maxNorm': 1},
    'groups': groups,
    'shapes': shapes,
    'initial': {name: value.flatten().tolist() for name, value in values.items()},
    'steps': steps,
}, Path(sys.argv[1] if len(sys.argv) > 1 else 'fixtures/training/adamw.json').open('w'))
