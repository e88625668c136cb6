/** Nodes of a process that tells what its main thread does (`bench/profile.ts`). */
import * as inspector from "node:inspector/promises"
import { type Request, serve } from "../child/Commands.ts"
import { handlers } from "./Nodes.ts"

const session = new inspector.Session()
session.connect()

let cpu = process.cpuUsage()

/** Begins to look. */
const profile = async (_: Request) => {
  await session.post("Profiler.enable")
  await session.post("Profiler.setSamplingInterval", { interval: 200 })
  await session.post("Profiler.start")
  cpu = process.cpuUsage()
  return {}
}

/** Ends it: the profile, and the processor time of all threads meanwhile, in microseconds. */
const profiled = async (_: Request) => {
  const { system, user } = process.cpuUsage(cpu)
  const { profile } = await session.post("Profiler.stop")
  return { profile, micros: system + user }
}

serve({ ...handlers, profile, profiled })
