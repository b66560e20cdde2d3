import { Gauge, type Registry } from 'prom-client'

/** What of the log another node has not taken yet. */
export interface WaitingLoad {
  readonly node: string
  readonly characters: number
  readonly seconds: number
  /** Of what the log keeps, by size or by time, whichever is more: from 1 on the node may need a full copy. */
  readonly share: number
}

/** The figures of the mesh: what waits for each node. */
export class MeshMetrics {
  #load: () => readonly WaitingLoad[] = () => []

  constructor(registry: Registry) {
    const ofNodes = (name: string, help: string, read: (load: WaitingLoad) => number) => {
      const collect = () => {
        gauge.reset()
        for (const load of this.#load()) gauge.set({ node: load.node }, read(load))
      }
      const gauge = new Gauge({ name, help, labelNames: ['node'] as const, registers: [registry], collect })
    }
    ofNodes('trellis_mesh_waiting_bytes', 'Log that a node has not taken yet.', ({ characters }) => characters)
    ofNodes('trellis_mesh_waiting_seconds', 'Age of the oldest of it.', ({ seconds }) => seconds)
    ofNodes('trellis_mesh_waiting_share', 'How much that is of what the log keeps.', ({ share }) => share)
  }

  measure(load: () => readonly WaitingLoad[]): void {
    this.#load = load
  }
}
