package mysql

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/engine"
)

// ioTimeout is how long the server may take to answer a statement of a transaction
// before the connection is given up, unless the DSN says otherwise. A connection
// that a firewall has cut would be waited for forever.
const ioTimeout = 30 * time.Second

// dialTimeout is how long connecting may take, unless the DSN says otherwise.
const dialTimeout = 10 * time.Second

// parseDSN reads a URL or a DSN of the driver. Errors show nothing of it, because
// it may hold a password anywhere.
func parseDSN(dsn string) (*driver.Config, error) {
	rest, isURL := strings.CutPrefix(dsn, "mysql:")
	if address, ok := strings.CutPrefix(rest, "//"); isURL && ok {
		return parseURL(address)
	}
	cfg, err := driver.ParseDSN(rest)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w: the DSN can't be read, want mysql://user:password@host:3306/database or user:password@tcp(host:3306)/database: %w",
			engine.ErrInvalidArgument, err)
	}
	return cfg, nil
}

// parseURL reads user:password@host:port/database?settings; user and password are
// percent-encoded.
func parseURL(address string) (*driver.Config, error) {
	address, settings, _ := strings.Cut(address, "?")
	cfg, err := driver.ParseDSN("/?" + settings)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w: the settings after '?' can't be read: %w", engine.ErrInvalidArgument, err)
	}
	at := strings.LastIndexByte(address, '@')
	user, password, _ := strings.Cut(address[:max(at, 0)], ":")
	host, database, _ := strings.Cut(address[at+1:], "/")
	for _, part := range []struct {
		to   *string
		name string
		text string
	}{{&cfg.User, "user", user}, {&cfg.Passwd, "password", password}, {&cfg.DBName, "database", database}} {
		if *part.to, err = url.PathUnescape(part.text); err != nil {
			return nil, fmt.Errorf("mysql: %w: the %s in the URL is not percent-encoded", engine.ErrInvalidArgument, part.name)
		}
	}
	cfg.Net, cfg.Addr = "tcp", host
	if _, _, err := net.SplitHostPort(host); err != nil {
		cfg.Addr = net.JoinHostPort(strings.Trim(host, "[]"), "3306")
	}
	return cfg, nil
}

// address is the DSN of NewMysqlBackend.
func address(host string, port int, user, password, database string) *driver.Config {
	cfg := driver.NewConfig()
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(host, strconv.Itoa(port))
	cfg.User, cfg.Passwd, cfg.DBName = user, password, database
	return cfg
}

// complete sets what the store relies on.
func complete(cfg *driver.Config) error {
	if cfg.DBName == "" {
		return fmt.Errorf("mysql: %w: the DSN names no database; the store needs one of its own, CREATE DATABASE makes it", engine.ErrInvalidArgument)
	}
	cfg.InterpolateParams, cfg.MultiStatements = true, true
	cfg.MaxAllowedPacket = 0 // what the server says
	cfg.Collation = "utf8mb4_bin"
	cfg.ClientFoundRows = true
	cfg.Logger = &driver.NopLogger{} // what it logs it also returns
	if cfg.Timeout == 0 {
		cfg.Timeout = dialTimeout
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = ioTimeout
	}
	return nil
}

// place names a database for errors, without the password.
func place(cfg *driver.Config) string {
	return fmt.Sprintf("%s@%s/%s", cfg.User, cfg.Addr, cfg.DBName)
}
