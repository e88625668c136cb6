/**
 * The project rules that oxlint's own rules cannot express, as an oxlint plugin (see `.oxlintrc.json`).
 */
import * as Path from "node:path"
import * as Forks from "./forks.ts"
import { objection } from "./layers.ts"

interface Node {
  readonly type: string
  readonly name?: string
  readonly value?: unknown
  readonly source?: Node | null
  readonly expression?: Node
  readonly object?: Node
  readonly property?: Node
  readonly body?: ReadonlyArray<Node>
}

interface Context {
  readonly filename: string
  readonly sourceCode: { readonly isGlobalReference: (node: Node) => boolean }
  readonly report: (finding: { readonly node: Node; readonly message: string }) => void
}

const root = Path.resolve(import.meta.dirname, "../..")

const pathFromRoot = (context: Context) => Path.relative(root, context.filename).split(Path.sep).join("/")

/** Imports of every form go where `layers.ts` says they may. */
const imports = {
  create(context: Context) {
    const file = pathFromRoot(context)
    const check = (source: Node | null | undefined) => {
      if (source === null || source === undefined) return
      const problem = typeof source.value === "string"
        ? objection(file, source.value)
        : "the target of an import must be a plain string"
      if (problem !== undefined) context.report({ node: source, message: problem })
    }
    const ofSource = (node: Node) => check(node.source)
    return {
      ImportDeclaration: ofSource,
      ExportNamedDeclaration: ofSource,
      ExportAllDeclaration: ofSource,
      ImportExpression: ofSource,
      TSImportType: ofSource,
      TSExternalModuleReference: (node: Node) => check(node.expression)
    }
  }
}

const frontDoors = new Set(["src/index.ts", "src/testing/index.ts", "src/agent/index.ts"])

/** A front door re-exports and does nothing else; no other folder has one. */
const frontDoor = {
  create(context: Context) {
    return {
      Program(program: Node) {
        if (!frontDoors.has(pathFromRoot(context))) {
          context.report({ node: program, message: "no barrels inside folders: import the module itself" })
        }
        for (const statement of program.body ?? []) {
          const reExport = statement.type === "ExportAllDeclaration" ||
            (statement.type === "ExportNamedDeclaration" && statement.source !== null)
          if (!reExport) context.report({ node: statement, message: "a front door re-exports and does nothing else" })
        }
      }
    }
  }
}

/** Fibers of the engine are started where `forks.ts` says. */
const forks = {
  create(context: Context) {
    const file = pathFromRoot(context)
    const check = (node: Node, what: unknown) => {
      const problem = typeof what === "string" ? Forks.objection(file, what) : undefined
      if (problem !== undefined) context.report({ node, message: problem })
    }
    return {
      ImportDeclaration: (node: Node) => check(node, node.source?.value),
      MemberExpression: (node: Node) => {
        if (node.object?.name === "Effect") check(node, node.property?.name ?? node.property?.value)
      }
    }
  }
}

const ofNode = new Set(["process", "Buffer", "global", "__dirname", "__filename"])

/** Node's globals are imports nobody wrote down: outside the adapters they are refused (`node:buffer` can be imported). */
const nodeGlobals = {
  create(context: Context) {
    return {
      Identifier(node: Node) {
        if (node.name !== undefined && ofNode.has(node.name) && context.sourceCode.isGlobalReference(node)) {
          context.report({ node, message: `${node.name} is a global of Node.js: import it where that is allowed` })
        }
      }
    }
  }
}

export default {
  meta: { name: "layers" },
  rules: { forks, imports, "front-door": frontDoor, "node-globals": nodeGlobals }
}
