"""Generator of `codex_runtime.protocol` from the JSON Schema bundle of the codex binary.

Read in the order in which data flows: `bundle` (files to definitions), `schema` (questions
asked of one JSON Schema), `lowering` and `unions` (definitions to the model in `model`),
`methods` (the method table), `reach` (who sends what, and in which order to write it),
`protocol` (all of that in one value), `emit_types` with `fields` and `emit_methods` (to Python
text), `render` (both modules), `diff` (two protocols compared), `binary` (asking an installed codex for its schema).

Standard library only, no state outside the objects it makes, and the same text for the same
bundle every time.
"""
