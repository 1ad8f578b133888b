# Wrote the .pth files beside this script with PyTorch 1.13: python3 make.py
import json, os
from collections import OrderedDict
import torch

torch.manual_seed(7)
expected = {}

def raw(tensor):
    flat = tensor.detach().clone().contiguous().view(-1)
    return bytes((flat.to(torch.uint8) if flat.dtype == torch.bool or flat.numel() == 0 else flat.view(torch.uint8)).tolist()).hex()

def note(file, tensors):
    expected[file] = {name: {'type': str(t.dtype)[6:], 'shape': list(t.shape), 'contiguous': t.is_contiguous(), 'hex': raw(t)}
                      for name, t in tensors.items()}

def save(file, value, tensors, **how):
    torch.save(value, file, **how)
    note(file, tensors)

model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
state = model.state_dict()
save('state_dict.pth', state, state)

parameters = dict(model.named_parameters())
save('parameters.pth', parameters, parameters)

kinds = {str(d)[6:]: torch.arange(-3, 3).to(d).reshape(2, 3) for d in
         (torch.float64, torch.float32, torch.float16, torch.bfloat16,
          torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
kinds['scalar'] = torch.tensor(2.5)
kinds['empty'] = torch.empty(0, 4)
save('kinds.pth', kinds, kinds)

base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
views = OrderedDict(whole=base, transposed=base.transpose(0, 2), row=base[1, 2], column=base[:, :, 1], every_other=base[..., ::2],
                    repeated=torch.arange(3).expand(2, 3),
                    channels_last=torch.arange(16.).reshape(1, 2, 2, 4).to(memory_format=torch.channels_last),
                    one_wide=base[:1].transpose(0, 1)[:1], past_the_end=base[2:])
save('views.pth', views, views)

trained = torch.nn.Linear(2, 2)
optimizer = torch.optim.Adam(trained.parameters(), lr=0.001)
trained(torch.ones(1, 2)).sum().backward()
optimizer.step()
save('training.pth', {'epoch': 3, 'loss': 0.25, 'seed': 2**64 - 1, 'note': 'a pocket run', 'best': True, 'none': None,
                      'model': trained.state_dict(), 'optimizer': optimizer.state_dict()}, trained.state_dict())

parts = {'encoder': {'w': torch.ones(2), 'deep': {'b': torch.zeros(1)}}, 'decoder': {'w': torch.full((2,), 3.)},
         'stack': [torch.ones(1), {5: torch.ones(1) * 5}]}
save('nested.pth', parts, {'encoder.w': parts['encoder']['w'], 'encoder.deep.b': parts['encoder']['deep']['b'],
                           'decoder.w': parts['decoder']['w'], 'stack.0': parts['stack'][0], 'stack.1.5': parts['stack'][1][5]})

save('protocol4.pth', state, state, pickle_protocol=4)

class Evil:
    def __reduce__(self): return os.system, ('true',)
torch.save({'w': torch.ones(1), 'x': Evil()}, 'runs_code.pth')
torch.save({'w': torch.ones(1)}, 'old.pth', _use_new_zipfile_serialization=False)
torch.save(torch.ones(2), 'bare_tensor.pth')
torch.save({'c': torch.ones(2, dtype=torch.complex64)}, 'complex.pth')
json.dump(expected, open('expected.json', 'w'), indent=1)
