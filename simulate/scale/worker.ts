/** A child process that measures one size after the other. */
import { serve } from "../running/Worker.ts"
import { measure } from "./measure.ts"

serve(({ members, seconds }: { readonly members: number; readonly seconds: number }) => measure(members, seconds))
