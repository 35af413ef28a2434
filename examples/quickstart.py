"""Ask codex one thing."""

import codex_runtime as cr

result = cr.run_sync("Explain this repository in two bullets", cwd=".")

print(result.text)
print(f"[{result.status}] {result.usage}")
