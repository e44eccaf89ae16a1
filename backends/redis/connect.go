package redis

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/wfops/wfops/engine"
)

// unannounced: notices of maintenance are for clusters of one vendor, and asking
// others for them fails with noise.
var unannounced = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}

// stay is how many redirections a client of a cluster may follow: none. While a slot
// moves to another node its keys are partly here and partly there, and a script that
// followed to there would take what is not there yet for missing. Here it is refused,
// for its key never exists. The caller tries again until the slot has moved.
const stay = -1

// dialer makes the connections of a client.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// connect makes a client for an address. It does not connect yet. Without a dialer it
// gets that of go-redis.
func connect(address string, dial dialer) (redis.UniversalClient, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		if strings.Contains(address, ",") {
			return connect("redis-cluster://"+address, dial)
		}
		return connect("redis://"+address, dial)
	}
	var client redis.UniversalClient
	var err error
	switch scheme {
	case "redis", "rediss", "unix":
		var o *redis.Options
		if o, err = redis.ParseURL(address); err == nil {
			o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.MaintNotificationsConfig = -1, 1, true, unannounced
			o.Dialer = dial
			client = redis.NewClient(o)
		}
	case "redis-cluster", "rediss-cluster":
		if number := database(rest); number != "" && number != "0" {
			return nil, fmt.Errorf("redis: %w: a cluster has no database %s, only one without a number: leave it out", engine.ErrInvalidArgument, number)
		}
		var o *redis.ClusterOptions
		if o, err = redis.ParseClusterURL(manyHosts(strings.TrimSuffix(scheme, "-cluster"), rest)); err == nil {
			o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.MaintNotificationsConfig = -1, 1, true, unannounced
			o.MaxRedirects, o.Dialer = stay, dial
			// So that a replica that took over is found out soon.
			o.ClusterStateReloadInterval = cmp.Or(o.ClusterStateReloadInterval, 2*time.Second)
			client = redis.NewClusterClient(o)
		}
	case "redis-sentinel", "rediss-sentinel":
		var o *redis.FailoverOptions
		if o, err = redis.ParseFailoverURL(manyHosts(strings.TrimSuffix(scheme, "-sentinel"), rest)); err == nil {
			if o.MasterName == "" {
				return nil, fmt.Errorf("redis: %w: the address does not say which of the masters that Sentinel watches is meant: add ?master_name=NAME",
					engine.ErrInvalidArgument)
			}
			o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.Dialer = -1, 1, true, dial
			client = redis.NewFailoverClient(o)
		}
	default:
		return nil, fmt.Errorf("redis: %w: an address begins with redis://, rediss://, redis-cluster:// or redis-sentinel://, not with %s://",
			engine.ErrInvalidArgument, scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("redis: %w: the address can't be read: %s; want %s://user:password@host:port, with '%%' before what is special in a password",
			engine.ErrInvalidArgument, withoutSecrets(err, address), scheme)
	}
	return client, nil
}

// manyHosts turns "user@a:1,b:2/0?x=y" into the form of go-redis, which has the
// further hosts as settings.
func manyHosts(scheme, rest string) string {
	rest, settings, _ := strings.Cut(rest, "?")
	user, hosts, ok := cutLast(rest, "@")
	if !ok {
		user, hosts = "", rest
	}
	hosts, path, _ := strings.Cut(hosts, "/")
	all := strings.Split(hosts, ",")
	for _, h := range all[1:] {
		settings += "&addr=" + url.QueryEscape(h)
	}
	return scheme + "://" + user + all[0] + "/" + path + "?" + strings.TrimPrefix(settings, "&")
}

// database returns what is behind the hosts.
func database(rest string) string {
	rest, _, _ = strings.Cut(rest, "?")
	_, hosts, _ := cutLast("@"+rest, "@")
	_, path, _ := strings.Cut(hosts, "/")
	return path
}

// cutLast keeps the separator with what is before it.
func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at+len(sep)], s[at+len(sep):], true
}

// withoutSecrets tells what is wrong with an address, unless that would repeat a part
// of it that may be a password, which is before the hosts or a setting.
func withoutSecrets(err error, address string) string {
	if strings.Contains(address, "@") || strings.Contains(address, "password") {
		return "it is no URL, or a setting is unknown"
	}
	return err.Error()
}

// twin makes a client with the options of another.
func twin(client redis.UniversalClient) (redis.UniversalClient, error) {
	switch c := client.(type) {
	case *redis.Client:
		o := *c.Options()
		return redis.NewClient(&o), nil
	case *redis.ClusterClient:
		o := *c.Options()
		o.MaxRedirects = stay
		return redis.NewClusterClient(&o), nil
	}
	return nil, fmt.Errorf("redis: %w: a %T can't be opened read-only, use Open", engine.ErrInvalidArgument, client)
}
