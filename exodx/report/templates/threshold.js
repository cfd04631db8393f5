(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("threshold-data").textContent);
  const upper = at("upper"), lower = at("lower"), share = at("prevalence");
  const z2 = data.z * data.z;
  const logit = (p) => Math.log(p / (1 - p));
  const expit = (x) => 1 / (1 + Math.exp(-x));
  const table = (k) => {
    const tp = data.casesAbove[k], fp = data.controlsAbove[k];
    return { tp, fp, fn: Math.max(data.cases - tp, 0), tn: Math.max(data.controls - fp, 0) };
  };
  const wilson = (x, n) => {
    const p = x / n, centre = (x + z2 / 2) / (n + z2);
    const half = Math.sqrt(z2 * n) / (n + z2) * Math.sqrt(p * (1 - p) + z2 / (4 * n));
    return [p, Math.max(0, Math.min(p, centre - half)), Math.min(1, Math.max(p, centre + half))];
  };
  const predictive = (c, prevalence, positive) => {
    const added = [c.tp, c.fn, c.fp, c.tn].includes(0) ? z2 : 0;
    const n1 = data.cases + added, n0 = data.controls + added;
    const se = (c.tp + added / 2) / n1, sp = (c.tn + added / 2) / n0;
    const centre = positive ? Math.log(se / (1 - sp)) + logit(prevalence) : Math.log(sp / (1 - se)) - logit(prevalence);
    const variance = positive ? (1 - se) / (se * n1) + sp / ((1 - sp) * n0) : se / ((1 - se) * n1) + (1 - sp) / (sp * n0);
    const half = data.z * Math.sqrt(variance);
    return [centre, centre - half, centre + half].map(expit);
  };
  const told = ([value, low, high]) => `${value.toFixed(3)} (95 % CI ${low.toFixed(3)} to ${high.toFixed(3)})`;
  const percent = (p) => `${+(100 * p).toPrecision(3)} %`;

  const show = () => {
    const high = table(+upper.value), low = table(+lower.value), prevalence = data.prevalence[+share.value];
    const from = data.threshold[+upper.value].toFixed(4), below = data.threshold[+lower.value].toFixed(4);
    const zone = +lower.value < +upper.value;
    const unsure = Math.max(low.tp + low.fp - high.tp - high.fp, 0);
    const se = wilson(high.tp, data.cases), sp = wilson(low.tn, data.controls);
    const rows = { sensitivity: se, specificity: sp, ppv: predictive(high, prevalence, true), npv: predictive(low, prevalence, false),
      indeterminate: wilson(unsure, data.cases + data.controls) };
    for (const [name, row] of Object.entries(rows)) at(`at-${name}`).textContent = told(row);
    at("row-indeterminate").hidden = !zone;
    at("upper-value").textContent = from;
    at("lower-value").textContent = below;
    at("prevalence-value").textContent = percent(prevalence);
    upper.setAttribute("aria-valuetext", `positive from ${from}`);
    lower.setAttribute("aria-valuetext", `negative below ${below}`);
    share.setAttribute("aria-valuetext", percent(prevalence));
    const ill = Math.round(1000 * prevalence), found = Math.round(ill * se[0]), alarms = Math.round((1000 - ill) * high.fp / data.controls);
    at("told").textContent = `Positive from ${from}${zone ? `, negative below ${below}, indeterminate between` : ""}: ` +
      `of 1000 subjects, ${percent(prevalence)} of them with the condition, ${found} of these ${ill} are called positive, ` +
      `and so are ${alarms} of the other ${1000 - ill}.`;
  };
  const reset = () => { upper.value = data.upper; lower.value = data.lower; share.value = data.start; show(); };
  upper.max = lower.max = data.threshold.length - 1;
  share.max = data.prevalence.length - 1;
  upper.addEventListener("input", () => { if (+lower.value > +upper.value) lower.value = upper.value; show(); });
  lower.addEventListener("input", () => { if (+upper.value < +lower.value) upper.value = lower.value; show(); });
  share.addEventListener("input", show);
  at("reset").addEventListener("click", reset);
  at("controls").hidden = false;
  reset();
})();
