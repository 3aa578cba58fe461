// The ledger's filter. Without this script the whole table is shown.
for (const form of document.querySelectorAll(".ledger-filters")) {
  const rows = [...document.querySelectorAll("#ledger tbody tr")];
  const choices = [...form.querySelectorAll("select")];
  const filter = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = choices.some((c) => c.value && row.dataset[c.dataset.key] !== c.value);
      shown += !row.hidden;
    }
    form.querySelector("output").value = `${shown} of ${rows.length} rows`;
  };
  form.addEventListener("change", filter);
  form.hidden = false;
  filter();
}
