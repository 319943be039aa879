package redistest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Nodes are the servers of a private cluster.
type Nodes []*Redis

// Cluster starts a private cluster of three nodes without replicas, which
// stops when the test ends.
func Cluster(tb testing.TB, opts ...Option) Nodes {
	tb.Helper()
	var nodes Nodes
	for range 3 {
		nodes = append(nodes, Server(tb, append(opts, clusterMode)...))
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for i, node := range nodes {
		c := node.Client()
		defer c.Close()
		if err := c.ClusterAddSlotsRange(ctx, i*16384/3, (i+1)*16384/3-1).Err(); err != nil {
			tb.Fatal(err)
		}
		host, port, _ := strings.Cut(nodes[0].Addr(), ":")
		if err := c.ClusterMeet(ctx, host, port).Err(); err != nil && i > 0 {
			tb.Fatal(err)
		}
	}
	for _, node := range nodes {
		node.awaitCluster(ctx, tb)
	}
	return nodes
}

// awaitCluster waits until the node knows where every slot is.
func (r *Redis) awaitCluster(ctx context.Context, tb testing.TB) {
	c := r.Client()
	defer c.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := c.ClusterInfo(ctx).Result()
		if err != nil {
			tb.Fatal(err)
		}
		if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") {
			return
		}
		<-tick.C
	}
}

// URL is the cluster's address as REDIS_URL takes it.
func (n Nodes) URL() string {
	var hosts []string
	for _, node := range n {
		hosts = append(hosts, node.Addr())
	}
	return "redis-cluster://" + strings.Join(hosts, ",")
}

// Client connects to the cluster. The caller closes it.
func (n Nodes) Client() *redis.ClusterClient {
	var hosts []string
	for _, node := range n {
		hosts = append(hosts, node.Addr())
	}
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: hosts})
}
