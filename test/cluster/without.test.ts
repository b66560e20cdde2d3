import { expect } from 'chai'
import { meshSettings } from '../support/cluster.js'
import { withNode } from '../support/node.js'

const routes = { operation: 'cluster_set_routes', server: 'hub', routes: [{ host: '127.0.0.1', port: 1 }] }

describe('a node without a mesh', () => {
  it('answers clustering operations with how to begin', async () => {
    await withNode(async (node) => {
      expect((await node.post(routes)).body).to.include({ code: 'clustering_off', status: 409 })
      const status = await node.ok({ operation: 'cluster_status' })
      expect(status).to.deep.equal({ node_name: 'node1', is_enabled: false, connections: [], warnings: [] })
    })
  })

  it('runs on when there is no nats-server, and says how to get one', async () => {
    const { settings } = await meshSettings('node1', { 'clustering.nats_server': '/nowhere/nats-server' })
    await withNode(async (node) => {
      const { body, status } = await node.post(routes)
      expect(status).to.equal(503)
      expect(body).to.have.property('code', 'nats_server_missing')
      expect((body as { detail: string }).detail).to.contain('clustering.nats_server')
      const { is_enabled, warnings } = await node.ok<{ is_enabled: boolean; warnings: string[] }>({
        operation: 'cluster_status',
      })
      expect(is_enabled).to.equal(false)
      expect(warnings).to.have.length(1)
      await node.ok({ operation: 'create_table', schema: 'dev', table: 'dog', hash_attribute: 'id' })
    }, settings)
  })

  it('is refused routes when it has neither a secret nor TLS', async () => {
    const { settings } = await meshSettings('node1', { 'clustering.secret': '' })
    await withNode(async (node) => {
      expect((await node.post(routes)).body).to.have.property('code', 'mesh_needs_secret')
    }, settings)
  })

  it('lets only super users touch the mesh', async () => {
    await withNode(async (node) => {
      const rights = { super_user: false, structure_user: true }
      await node.ok({ operation: 'add_role', role: 'builder', permission: rights })
      await node.ok({
        operation: 'add_user',
        username: 'bob',
        password: 'a-long-password',
        role: 'builder',
        active: true,
      })
      const authorization = `Basic ${Buffer.from('bob:a-long-password').toString('base64')}`
      for (const operation of ['cluster_status', 'cluster_network', 'cluster_get_routes']) {
        expect((await node.post({ operation }, { authorization })).status, operation).to.equal(403)
      }
    })
  })
})
