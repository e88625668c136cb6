/**
 * Checks what is in deploy/, as far as that goes on one machine, and says what was checked and what was not.
 *
 * Carries out the Dockerfile's steps in an empty folder; starts what the image, the StatefulSet and the systemd unit start, with
 * their variables, as one cluster; asks their probes; ends one with SIGTERM; and lets each format's own checker read its file.
 * Neither a container nor a pod nor a unit is started. Installs its checkers into a temporary folder.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as Container from "./deploy/container.ts"
import * as Header from "./deploy/header.ts"
import * as Manifests from "./deploy/manifests.ts"
import { freePorts } from "./ports.ts"

const root = Path.resolve(import.meta.dirname, "..")
const deploy = (file: string): string => Path.join(root, "deploy", file)
const folder = mkdtempSync(Path.join(tmpdir(), "deploy-"))

/** Without what `npm run` put into ours, and with this Node.js. */
const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$|MEMBERLIST_)/i.test(name))
  ),
  npm_config_prefer_offline: "true",
  PATH: [Path.dirname(process.execPath), process.env["PATH"]].join(Path.delimiter)
}

let failures = 0
/** Tells how a check ended. */
const report = (what: string, objections: ReadonlyArray<string>): void => {
  console.log(`${objections.length === 0 ? "ok      " : "WRONG   "} ${what}`)
  for (const objection of objections) console.log(`         ${objection}`)
  failures += objections.length
}
const notRun = (what: string): void => console.log(`not run  ${what}`)

const npm = (cwd: string, ...args: ReadonlyArray<string>) =>
  execFileSync("npm", args, { cwd, env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })

const isThere = (tool: string): boolean => spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0

interface Running {
  readonly name: string
  readonly http: string
  readonly stop: () => Promise<number | null>
  readonly log: () => string
}

/** Starts what an image or unit starts; every path and address of its variables is one of this machine. */
const start = (
  image: Container.Image,
  command: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  http: string
): Running => {
  const [program = "", ...args] = command
  const child = spawn(program, args, {
    cwd: image.folder,
    env: { ...environment, ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let log = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => void (log += text))
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  return {
    name: env["MEMBERLIST_NAME"] ?? "",
    http,
    log: () => log,
    stop: () => {
      child.kill("SIGTERM")
      return ended
    }
  }
}

/** Asks until the answer is right; what it was otherwise. */
const eventually = async (ask: () => Promise<string>, expected: string): Promise<ReadonlyArray<string>> => {
  const until = Date.now() + 30_000
  for (;;) {
    const answer = await ask().catch((error: unknown) => String(error))
    if (answer === expected) return []
    if (Date.now() > until) return [`expected ${expected}, and got ${answer}`]
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const record = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(value ?? {}).map(([key, one]) => [key, String(one)]))

/** The variables of a StatefulSet's first container, with what a pod would put in for its own fields. */
const podEnv = (set: unknown): Readonly<Record<string, string>> => {
  const list = Manifests.at(set, "spec", "template", "spec", "containers", 0, "env") as ReadonlyArray<unknown>
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": "memberlist-agent-0",
    "status.podIP": "127.0.0.1"
  }
  return Object.fromEntries(list.map((one) => {
    const field = Manifests.at(one, "valueFrom", "fieldRef", "fieldPath")
    return [
      String(Manifests.at(one, "name")),
      field === undefined ? String(Manifests.at(one, "value")) : fields[String(field)] ?? ""
    ]
  }))
}

/** The variables of a unit, with its specifiers put in, and its command. */
const unitOf = (
  text: string
): { readonly env: Readonly<Record<string, string>>; readonly command: ReadonlyArray<string> } => ({
  env: Object.fromEntries(
    [...text.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = ""]) => line.split(" "))
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])
  ),
  command: (/^ExecStart=(.*)$/m.exec(text)?.[1] ?? "").split(" ")
})

/** Three agents as the deployments start them, in one cluster. */
const runTogether = async (image: Container.Image, compose: unknown, set: unknown, unit: ReturnType<typeof unitOf>) => {
  const secrets = Path.join(folder, "secrets")
  mkdirSync(secrets)
  writeFileSync(Path.join(secrets, "key"), `${Buffer.alloc(32, 7).toString("base64")}\n`)
  writeFileSync(Path.join(secrets, "token"), "0123456789abcdef0123456789abcdef\n")
  const ports = await freePorts(6)
  const seeds = ports.slice(0, 3).map((port) => `127.0.0.1:${port}`).join(",")
  const here = (env: Readonly<Record<string, string>>, i: number): Readonly<Record<string, string>> => {
    const { MEMBERLIST_SEEDS_DNS: _, ...rest } = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [
        name,
        value.replace(/^(\/run\/secrets|\/secrets|%d)\//, `${secrets}/`).replace(
          /^%S\/effect-memberlist\//,
          `${folder}/`
        )
          .replace(/^0\.0\.0\.0:7980$/, `0.0.0.0:${ports[i + 3]}`)
      ])
    )
    return {
      MEMBERLIST_NAME: `agent-${i}`,
      MEMBERLIST_ADVERTISE_ADDRESS: "127.0.0.1",
      MEMBERLIST_HTTP: `127.0.0.1:${ports[i + 3]}`,
      ...image.env,
      ...rest,
      MEMBERLIST_BIND_PORT: `${ports[i]}`,
      MEMBERLIST_SEEDS: seeds,
      MEMBERLIST_LABEL: "deploy"
    }
  }
  const args = Manifests.at(set, "spec", "template", "spec", "containers", 0, "args") as ReadonlyArray<string>
  const entry = image.command.slice(0, 2)
  const main = Path.join(image.folder, entry[1] ?? "")
  const commands = [image.command, [...entry, ...args], ["node", main, ...unit.command.slice(2)]]
  const envs = [record(Manifests.at(compose, "services", "agent", "environment")), podEnv(set), unit.env]
  const agents = commands.map((command, i) =>
    start(image, command, here(envs[i] ?? {}, i), `http://127.0.0.1:${ports[i + 3]}`)
  )
  const names = (of: ReadonlyArray<Running>) => of.map(({ name }) => name).sort().join(" ")
  const asked = async (agent: Running, path: string) =>
    await fetch(`${agent.http}${path}`, { headers: { authorization: "Bearer 0123456789abcdef0123456789abcdef" } })
  const members = (agent: Running) => async () => {
    const list = await (await asked(agent, "/v1/members")).json() as ReadonlyArray<unknown>
    return list.map((member) => String(Manifests.at(member, "name"))).sort().join(" ")
  }
  try {
    for (const [i, what] of ["Compose", "the StatefulSet", "the unit"].entries()) {
      const agent = agents[i]
      if (agent === undefined) continue
      report(`an agent with the command and the variables of ${what} finds the others, with a key`, [
        ...await eventually(members(agent), names(agents))
      ])
      for (const path of ["/health/live", "/health/ready"]) {
        report(
          `  and answers ${path} without a token`,
          await eventually(async () => String((await fetch(`${agent.http}${path}`)).status), "200")
        )
      }
    }
    const check = Manifests.at(compose, "services", "agent", "healthcheck", "test") as ReadonlyArray<string>
    const [program = "", ...rest] = check.slice(1).map((text) => text.replace("7980", `${ports[3]}`))
    const { status } = spawnSync(program, rest, { env: environment })
    report("Compose's health check succeeds", status === 0 ? [] : [`exit code ${status}`])
    const [first, ...others] = agents
    if (first === undefined) return
    const began = Date.now()
    const code = await first.stop()
    report("SIGTERM ends it with 0", code === 0 ? [] : [`exit code ${code}: ${first.log()}`])
    report("  within the 15 s that all three grant", Date.now() - began < 15_000 ? [] : [`${Date.now() - began} ms`])
    const outcome = (agent: Running) => async () =>
      String(Manifests.at(await (await asked(agent, `/v1/members/${first.name}/verdict`)).json(), "outcome"))
    report(
      "  and the others say that it has left, not that it failed",
      (await Promise.all(others.map((agent) => eventually(outcome(agent), "left")))).flat()
    )
    report(
      "  and have it off their lists",
      (await Promise.all(others.map((agent) => eventually(members(agent), names(others))))).flat()
    )
    const [command = []] = commands
    const mistaken = spawnSync(command[0] ?? "", command.slice(1), {
      cwd: image.folder,
      env: { ...environment, MEMBERLIST_BIND_PORT: "none" },
      encoding: "utf8"
    })
    report(
      "a mistake in the settings is told in one line and ends with 2, after which systemd does not start it again",
      mistaken.status === 2 && mistaken.stderr.trim().split("\n").length === 1
        ? []
        : [`exit code ${mistaken.status}: ${mistaken.stdout}${mistaken.stderr}`]
    )
  } catch (error) {
    report("the agents", [String(error), ...agents.map((agent) => agent.log())])
  } finally {
    const codes = await Promise.all(agents.map((agent) => agent.stop()))
    if (failures > 0) {
      for (const [i, agent] of agents.entries()) {
        console.log(`--- ${agent.name}, exit code ${codes[i]}\n${agent.log()}`)
      }
    }
  }
}

try {
  writeFileSync(Path.join(folder, "package.json"), "{}")
  npm(folder, "install", "--no-audit", "--no-fund", "--no-save", ...Manifests.packages)
  const context = Path.join(folder, "context")
  mkdirSync(context)
  const packed = npm(root, "pack", "--pack-destination", context).trim().split("\n").at(-1) ?? ""
  const image = Container.build(
    readFileSync(deploy("docker/Dockerfile"), "utf8"),
    context,
    Path.join(folder, "image"),
    environment
  )
  report(`the Dockerfile's steps, in an empty folder: ${image.done.map((step) => step.split(" ")[0]).join(", ")}`, [])

  const [compose] = await Manifests.documents(folder, deploy("docker/compose.yaml"))
  report("compose.yaml, by the schema of the Compose specification", await Manifests.composeObjections(folder, compose))

  const manifests = await Manifests.documents(folder, deploy("kubernetes/agent.yaml"))
  const compiler = Path.join(root, "node_modules/typescript/bin/tsc")
  report(`agent.yaml (${manifests.map((one) => Manifests.at(one, "kind")).join(", ")}), by the schema of Kubernetes`, [
    ...await Manifests.objections(folder, compiler, manifests)
  ])
  const set = manifests.find((one) => Manifests.at(one, "kind") === "StatefulSet")

  const text = readFileSync(deploy("systemd/effect-memberlist.service"), "utf8")
  const unit = unitOf(text)
  const host = Path.join(folder, "host")
  const installed = Header.install(
    deploy("systemd/effect-memberlist.service"),
    Path.join(context, packed),
    host,
    environment
  )
  const program = Path.join(host, unit.command[1] ?? "")
  const { status: found } = spawnSync(process.execPath, [program, "--version"], { env: environment })
  report(`the steps at the top of the unit, in an empty folder: ${installed.done.length} of them`, [
    ...(found === 0 ? [] : [`ExecStart names ${unit.command[1]}, which they do not install`]),
    ...(installed.unit === text ? [] : ["they copy another unit"])
  ])
  if (isThere("systemd-analyze")) {
    const file = Path.join(folder, "effect-memberlist.service")
    writeFileSync(file, installed.unit.replace("/usr/bin/node", process.execPath).replace("/opt/", `${host}/opt/`))
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" })
    report("the unit, by systemd-analyze verify", status === 0 && stderr === "" ? [] : [stderr])
  } else notRun("systemd-analyze verify: not installed")

  if (isThere("promtool")) {
    for (const args of [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]]) {
      const { status, stderr, stdout } = spawnSync("promtool", args, { cwd: deploy("prometheus"), encoding: "utf8" })
      report(`promtool ${args.join(" ")}`, status === 0 ? [] : [stdout, stderr])
    }
  } else notRun("promtool, on the alerts: not installed")

  await runTogether(image, compose, set, unit)

  for (const step of installed.skipped) notRun(`of the unit's steps: ${step}`)
  for (const step of image.skipped) notRun(`of the Dockerfile: ${step}`)
  notRun("docker build, docker compose up: no container was started, and no image downloaded")
  notRun("kubectl apply: no cluster; DNS of the headless service, probes by a kubelet, eviction")
  notRun("systemctl start: LoadCredential, StateDirectory, DynamicUser and the restrictions of the unit")
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (failures > 0) process.exitCode = 1
