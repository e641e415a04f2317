"""Cordon's own model: a small encoder that finds what identifies people, and tells what a text is about, in one pass.

`documents` reads and folds the data, `windows` cuts and labels it, `network` is the model, `train` fits it, `decode` is the reference
for the decoder in `src/ner`, `calibrate` and `evaluate` measure on the validation fold, `export` writes the 8-bit ONNX graph and `card`
the model card. Everything that can be set stands in `config.toml`.
"""
