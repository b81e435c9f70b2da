"""Builds the official UPN in PyTorch on a CPU, from a checkout of IDEA-Research/ChatRex that lies outside this repository.

Its compiled operator and mmengine are not needed: the operator is replaced by grid sampling in PyTorch, which the official
package itself uses for testing, and mmengine's registry by a few lines.
"""

import sys
import types

import torch
import torch.nn.functional as F

LARGE = dict(
    embed_dim=192, depths=[2, 2, 18, 2], num_heads=[6, 12, 24, 48], window_size=12, num_queries=900,
    enc_layers=6, dec_layers=6, d_ffn=2048, n_levels=5, d_model=256, n_heads=8, n_points=4,
)
TINY = dict(
    embed_dim=16, depths=[1, 1, 2, 1], num_heads=[1, 2, 2, 4], window_size=3, num_queries=12,
    enc_layers=1, dec_layers=2, d_ffn=32, n_levels=5, d_model=256, n_heads=8, n_points=4,
)


class Registry:
    def __init__(self, name):
        self.known = {}

    def register_module(self):
        def register(cls):
            self.known[cls.__name__] = cls
            return cls

        return register


def build_from_cfg(cfg, registry):
    options = dict(cfg)
    return registry.known[options.pop("type")](**options)


def ms_deform_attn(value, shapes, _starts, locations, weights, _step):
    batch, _, heads, width = value.shape
    queries, levels, points = locations.shape[1], locations.shape[3], locations.shape[4]
    sizes = [(int(h), int(w)) for h, w in shapes]
    total = 0
    for level, part in enumerate(value.split([h * w for h, w in sizes], dim=1)):
        image = part.permute(0, 2, 3, 1).reshape(batch * heads, width, *sizes[level])
        grid = (2 * locations[:, :, :, level] - 1).transpose(1, 2).flatten(0, 1)
        sampled = F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        share = weights[:, :, :, level].transpose(1, 2).reshape(batch * heads, 1, queries, points)
        total = total + (sampled * share).sum(-1)
    return total.reshape(batch, heads * width, queries).transpose(1, 2).contiguous()


def import_official(code):
    """Makes `chatrex.upn` importable from the checkout at `code`."""
    mmengine = types.ModuleType("mmengine")
    mmengine.Registry, mmengine.build_from_cfg, mmengine.Config = Registry, build_from_cfg, object
    operator = types.ModuleType("MultiScaleDeformableAttention")
    operator.ms_deform_attn_forward = ms_deform_attn
    # The package's own __init__ of chatrex imports the language model; only its upn part is wanted.
    package = types.ModuleType("chatrex")
    package.__path__ = [f"{code}/chatrex"]
    sys.modules.update({"mmengine": mmengine, "MultiScaleDeformableAttention": operator, "chatrex": package})
    try:
        import timm.models.layers  # noqa: F401
    except ImportError:
        layers = types.ModuleType("timm.models.layers")
        layers.DropPath = torch.nn.Identity
        layers.to_2tuple = lambda value: (value, value)
        layers.trunc_normal_ = lambda tensor, std: torch.nn.init.normal_(tensor, std=std)
        sys.modules.update({"timm": types.ModuleType("timm"), "timm.models": types.ModuleType("timm.models"),
                            "timm.models.layers": layers})
    import chatrex.upn as upn

    return upn


def build(code, sizes):
    """The official network in evaluation mode with its own initialisation."""
    upn = import_official(code)
    shared = dict(activation="relu", d_model=sizes["d_model"], dropout=0.0, d_ffn=sizes["d_ffn"],
                  n_heads=sizes["n_heads"], n_levels=sizes["n_levels"], n_points=sizes["n_points"])
    backbone = dict(
        type="SwinWrapper",
        backbone_cfg=dict(type="SwinTransformer", embed_dim=sizes["embed_dim"], depths=sizes["depths"],
                          num_heads=sizes["num_heads"], window_size=sizes["window_size"]),
        lr_backbone=1e-5, dilation=False, backbone_freeze_keywords=None, return_interm_indices=[0, 1, 2, 3],
        position_embedding_cfg=dict(type="PositionEmbeddingSineHW", normalize=True,
                                    num_pos_feats=sizes["d_model"] // 2, temperatureH=20, temperatureW=20),
    )
    transformer = dict(
        type="DeformableTransformer", num_queries=sizes["num_queries"], d_model=sizes["d_model"],
        encoder_cfg=dict(type="UPNEncoder", num_layers=sizes["enc_layers"], d_model=sizes["d_model"],
                         use_checkpoint=False, use_transformer_ckpt=False,
                         encoder_layer_cfg=dict(type="DeformableTransformerEncoderLayer", **shared)),
        decoder_cfg=dict(type="UPNDecoder", num_layers=sizes["dec_layers"], d_model=sizes["d_model"],
                         return_intermediate=True, rm_dec_query_scale=True,
                         decoder_layer_cfg=dict(type="DeformableTransformerDecoderLayer", **shared)),
        num_feature_levels=sizes["n_levels"], learnable_tgt_init=True, two_stage_type="standard",
        two_stage_bbox_embed_share=False, two_stage_class_embed_share=False, two_stage_keep_all_tokens=False,
        two_stage_learn_wh=False, binary_query_selection=False,
    )
    model = upn.build_architecture(dict(
        type="UPN", vision_backbone_cfg=backbone, transformer_cfg=transformer, num_queries=sizes["num_queries"],
        dec_pred_bbox_embed_share=True, dec_pred_class_embed_share=True,
    ))
    return model.eval()


def randomise(model, seed):
    """Random values everywhere: the official start leaves box heads and sampling at zero, which would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.empty_like(parameter).normal_(generator=generator)
            if parameter.dim() == 1 and "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.1 * noise)
            elif "sampling_offsets.bias" in name:
                parameter.add_(0.5 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.05 * noise)
            elif "embed" in name and parameter.dim() == 2 and "bbox_embed" not in name or "prompt" in name:
                parameter.copy_(noise)
            else:
                parameter.copy_(noise * (0.5 / parameter[0].numel() ** 0.5))
    return model


def padded_batch(sizes_hw, seed):
    """Random pictures of the given sizes on one canvas, as the official `nested_tensor_from_tensor_list` pads them."""
    from chatrex.upn.models.module import nested_tensor_from_tensor_list

    generator = torch.Generator().manual_seed(seed)
    return nested_tensor_from_tensor_list([torch.randn(3, *hw, generator=generator) for hw in sizes_hw])


def parse_sizes(text):
    """'96x128,80x100' -> [(96, 128), (80, 100)]: height x width of every picture."""
    return [tuple(int(side) for side in size.split("x")) for size in text.split(",")]
