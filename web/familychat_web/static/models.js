// Choices of a model: the model server is asked only where somebody may choose, since that can take a while.

const choices = document.querySelectorAll("select[data-models]");

async function offer() {
  const response = await fetch("/new/models", { headers: { accept: "text/html" } }).catch(() => null);
  const html = response?.ok && !response.redirected ? (await response.text()).trim() : "";
  if (!html) return;
  for (const select of choices) {
    // The first one is nobody's choice; what is chosen stays, also while it isn't there.
    const chosen = select.selectedOptions[0];
    for (const option of [...select.options].slice(1)) option.remove();
    select.insertAdjacentHTML("beforeend", html);
    if (chosen.value && ![...select.options].some(({ value }) => value === chosen.value)) select.append(chosen);
    select.value = chosen.value;
  }
}

const folded = [...choices].every((select) => select.closest("details:not([open])"));
if (folded) choices[0]?.closest("details").addEventListener("toggle", offer, { once: true });
else offer();
