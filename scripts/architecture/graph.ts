/** Draws graphs with Graphviz (`@viz-js/viz`), all in one style: dark on white, whatever the page around is. */
import { instance } from "@viz-js/viz"

const FONT = "Helvetica,Arial,sans-serif"

export interface Node {
  readonly id: string
  /** Lines; the first is the name. */
  readonly label: ReadonlyArray<string>
  readonly fill: string
}

export interface Edge {
  readonly from: string
  readonly to: string
  readonly label?: ReadonlyArray<string> | undefined
  /** Drawn lighter: there, but not what the picture is about. */
  readonly light?: boolean | undefined
  /** Drawn dashed, from below to above. */
  readonly back?: boolean | undefined
}

export interface Graph {
  readonly title: string
  readonly direction: "TB" | "LR"
  readonly nodes: ReadonlyArray<Node>
  readonly edges: ReadonlyArray<Edge>
  /** Inches between nodes of a rank, and between ranks. */
  readonly space?: readonly [number, number] | undefined
}

const quoted = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"").replaceAll("\n", "\\n")}"`

/** Plain lines, centred: another font may be a little wider, and then spills over both sides alike. */
const lines = (label: ReadonlyArray<string>): string => quoted(label.map((line) => `   ${line}   `).join("\n"))

const dot = ({ direction, edges, nodes, space: [beside, below] = [0.35, 0.55], title }: Graph): string =>
  [
    "digraph {",
    `  graph [rankdir=${direction} bgcolor=white pad=0.3 nodesep=${beside} ranksep=${below} fontname="${FONT}"`
    + ` label=${quoted(title)} labelloc=t fontsize=14 fontcolor="#1f2328"]`,
    `  node [shape=box style="rounded,filled" fontname="${FONT}" fontsize=11 margin="0.15,0.08" width=1.2 height=0.55 fontcolor="#1f2328" color="#57606a" penwidth=1]`,
    `  edge [fontname="${FONT}" fontsize=10 fontcolor="#1f2328" color="#24292f" arrowsize=0.7]`,
    ...nodes.map(({ fill, id, label }) => `  ${quoted(id)} [label=${lines(label)} fillcolor="${fill}"]`),
    ...edges.map(({ back = false, from, label = [], light = false, to }) => {
      const [above, below] = back ? [to, from] : [from, to]
      const attributes = [
        ...(label.length > 0 ? [`label=${lines(label)}`] : []),
        ...(light ? [`color="#b6bdc5"`] : []),
        ...(back ? ["dir=back", "style=dashed"] : [])
      ]
      return `  ${quoted(above)} -> ${quoted(below)} [${attributes.join(" ")}]`
    }),
    "}"
  ].join("\n")

/** In boxes, the first line is the name: in bold. */
const withNames = (svg: string): string => svg.replaceAll(/(class="node">[\s\S]*?<text )/g, "$1font-weight=\"bold\" ")

/** The graph as SVG. The same on every machine: Graphviz measures text with tables of its own. */
export const draw = async (graph: Graph): Promise<string> => {
  const viz = await instance()
  const svg = viz.renderString(dot(graph), { format: "svg" })
  return withNames(svg.replace(/^[\s\S]*?(?=<svg)/, "").replaceAll(/<!--.*?-->\n/g, ""))
}
