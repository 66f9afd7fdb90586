import type { Plot } from "./plots.ts";

/** A plot as inline SVG, drawn in this process; the same text for the same plot. */
export async function renderSvg({ name, title, spec }: Plot): Promise<string> {
  const [{ compile }, { loader, None, parse, resetSVGDefIds, View, logger }] = await Promise.all([
    import("vega-lite"),
    import("vega"),
  ]);
  resetSVGDefIds();
  const quiet = logger(None);
  const view = new View(parse(compile(spec, { logger: quiet }).spec), {
    renderer: "none",
    logger: quiet,
    // Plots carry their data: nothing is fetched or read.
    loader: Object.assign(loader(), { load: () => Promise.reject(new Error("a plot refers to data elsewhere")) }),
  });
  try {
    return labelled(isolated(await view.toSVG(), name), title);
  } finally {
    view.finalize();
  }
}

/** Definitions are numbered from 0 in each drawing, and a page has many. */
function isolated(svg: string, name: string): string {
  return svg
    .replace(/\bid="((?:clip|gradient)[\w-]*)"/g, `id="${name}-$1"`)
    .replace(/url\(#((?:clip|gradient)[\w-]*)\)/g, `url(#${name}-$1)`);
}

function labelled(svg: string, title: string): string {
  const label = title.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  return svg.replace("<svg ", `<svg role="img" aria-label="${label}" `);
}
