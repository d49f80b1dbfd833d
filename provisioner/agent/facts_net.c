/* SPDX-License-Identifier: MIT
 *
 * Facts: interfaces, addresses, default routes and resolvers, from the kernel and resolv.conf.
 * Sends no packet.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include "agent/facts.h"

enum { INTERFACES_MAX = 256, ADDRESSES_MAX = 1024, MAC_LEN = 6, ROUTE_UP = 1, ROUTE_GATEWAY = 2 };

/* ---- interfaces ---- */

/* The interface's name as Ansible writes it in a key, valid in expressions. */
static const char *key_of(struct arena *a, const char *name)
{
	char *key = arena_strdup(a, name);
	for (char *p = key; *p; p++)
		if (*p == '-' || *p == ':' || *p == '.')
			*p = '_';
	return key;
}

struct network {
	struct arena *a;
	struct value *names, *maps; /* maps: name -> interface */
	struct value *ipv4, *ipv6;
};

static struct value *need_interface(struct network *n, const char *name, unsigned flags)
{
	struct value *m = map_at(n->maps, name);
	if (m || n->names->list.n >= INTERFACES_MAX)
		return m;
	struct str mtu = fact_file(n->a, arena_printf(n->a, "/sys/class/net/%s/mtu", name));
	m = value_map(n->a);
	fact_text(n->a, m, "device", name);
	map_put(n->a, m, "active", value_bool(n->a, (flags & IFF_RUNNING) && (flags & IFF_UP)));
	fact_text(n->a, m, "type", flags & IFF_LOOPBACK ? "loopback" : "ether");
	if (mtu.n)
		fact_int(n->a, m, "mtu", strtoll(mtu.p, NULL, 10));
	fact_item(n->a, n->names, name);
	map_put(n->a, n->maps, name, m);
	return m;
}

static void put_mac(struct network *n, struct value *m, const struct sockaddr_ll *at)
{
	const unsigned char *b = at->sll_addr;
	if (at->sll_halen == MAC_LEN && strcmp(map_cstr(m, "type", ""), "loopback") != 0)
		fact_text(n->a, m, "macaddress",
			arena_printf(n->a, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
				b[4], b[5]));
}

static const char *print_ip4(struct arena *a, uint32_t net)
{
	char text[INET_ADDRSTRLEN] = "";
	inet_ntop(AF_INET, &net, text, sizeof(text));
	return arena_strdup(a, text);
}

static uint32_t ip4_of(const struct sockaddr *at)
{
	return ((const struct sockaddr_in *)(const void *)at)->sin_addr.s_addr;
}

static const char *broadcast_of(struct arena *a, const struct ifaddrs *i)
{
	bool has = (i->ifa_flags & IFF_BROADCAST) && i->ifa_broadaddr &&
		   i->ifa_broadaddr->sa_family == AF_INET && ip4_of(i->ifa_broadaddr) != 0;
	return has ? print_ip4(a, ip4_of(i->ifa_broadaddr)) : "";
}

static void put_ipv4(struct network *n, struct value *m, const struct ifaddrs *i)
{
	uint32_t address = ip4_of(i->ifa_addr);
	uint32_t mask = 0xffffffff;
	if (i->ifa_netmask)
		mask = ip4_of(i->ifa_netmask);
	struct value *v = value_map(n->a), *more = map_at(m, "ipv4_secondaries");
	fact_text(n->a, v, "address", print_ip4(n->a, address));
	fact_text(n->a, v, "netmask", print_ip4(n->a, mask));
	fact_text(n->a, v, "network", print_ip4(n->a, address & mask));
	fact_text(n->a, v, "broadcast", broadcast_of(n->a, i));
	fact_text(n->a, v, "prefix", arena_printf(n->a, "%d", __builtin_popcount(mask)));
	if ((ntohl(address) >> 24) != 127 && n->ipv4->list.n < ADDRESSES_MAX)
		fact_item(n->a, n->ipv4, print_ip4(n->a, address));
	if (!map_at(m, "ipv4")) {
		map_put(n->a, m, "ipv4", v);
		return;
	}
	if (!more) {
		more = value_list(n->a);
		map_put(n->a, m, "ipv4_secondaries", more);
	}
	if (more->list.n < ADDRESSES_MAX)
		list_add(n->a, more, v);
}

static void put_ipv6(struct network *n, struct value *m, const struct ifaddrs *i)
{
	const struct in6_addr *at =
		&((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
	struct value *v = value_map(n->a), *list = map_at(m, "ipv6");
	char text[INET6_ADDRSTRLEN] = "";
	int prefix = 0;
	inet_ntop(AF_INET6, at, text, sizeof(text));
	for (int b = 0; i->ifa_netmask && b < 16; b++)
		prefix += __builtin_popcount(
			((const struct sockaddr_in6 *)(const void *)i->ifa_netmask)
				->sin6_addr.s6_addr[b]);
	fact_text(n->a, v, "address", text);
	fact_text(n->a, v, "prefix", arena_printf(n->a, "%d", prefix));
	fact_text(n->a, v, "scope",
		IN6_IS_ADDR_LOOPBACK(at)    ? "host"
		: IN6_IS_ADDR_LINKLOCAL(at) ? "link"
					    : "global");
	if (!IN6_IS_ADDR_LOOPBACK(at) && n->ipv6->list.n < ADDRESSES_MAX)
		fact_item(n->a, n->ipv6, text);
	if (!list) {
		list = value_list(n->a);
		map_put(n->a, m, "ipv6", list);
	}
	if (list->list.n < ADDRESSES_MAX)
		list_add(n->a, list, v);
}

static void put_address(struct network *n, const struct ifaddrs *i)
{
	struct value *m = need_interface(n, i->ifa_name, i->ifa_flags);
	if (!m || !i->ifa_addr)
		return;
	if (i->ifa_addr->sa_family == AF_PACKET)
		put_mac(n, m, (const struct sockaddr_ll *)(const void *)i->ifa_addr);
	else if (i->ifa_addr->sa_family == AF_INET)
		put_ipv4(n, m, i);
	else if (i->ifa_addr->sa_family == AF_INET6)
		put_ipv6(n, m, i);
}

/* ---- default routes ---- */

struct route {
	const char *interface, *gateway;
	unsigned long metric;
};

static bool is_zero(const char *hex)
{
	return strspn(hex, "0") == strlen(hex);
}

/* /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask ..., addresses in hex in
 * memory order */
static bool read_route4(struct arena *a, struct route *best)
{
	struct str text = fact_file(a, "/proc/net/route"), line;
	best->interface = NULL;
	for (size_t at = 0; fact_line(a, text, &at, &line);) {
		const char *p = line.p, *w[8];
		for (size_t i = 0; i < ARRAY_LEN(w); i++)
			w[i] = fact_word(a, &p);
		if (!w[7] || !is_zero(w[1]) || !is_zero(w[7]))
			continue;
		unsigned long flags = strtoul(w[3], NULL, 16), metric = strtoul(w[6], NULL, 10);
		if (!(flags & ROUTE_UP) || (best->interface && best->metric <= metric))
			continue;
		*best = (struct route){w[0],
			flags & ROUTE_GATEWAY ? print_ip4(a, (uint32_t)strtoul(w[2], NULL, 16))
					      : NULL,
			metric};
	}
	return best->interface != NULL;
}

static const char *ip6_from_hex(struct arena *a, const char *hex)
{
	struct in6_addr at;
	char text[INET6_ADDRSTRLEN] = "", pair[3] = "";
	if (strlen(hex) != 32)
		return NULL;
	for (int i = 0; i < 16; i++) {
		memcpy(pair, hex + 2 * i, 2);
		at.s6_addr[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	inet_ntop(AF_INET6, &at, text, sizeof(text));
	return arena_strdup(a, text);
}

/* /proc/net/ipv6_route: dest plen src plen nexthop metric refcnt use flags device */
static bool read_route6(struct arena *a, struct route *best)
{
	struct str text = fact_file(a, "/proc/net/ipv6_route"), line;
	best->interface = NULL;
	for (size_t at = 0; fact_line(a, text, &at, &line);) {
		const char *p = line.p, *w[10];
		for (size_t i = 0; i < ARRAY_LEN(w); i++)
			w[i] = fact_word(a, &p);
		if (!w[9] || !is_zero(w[0]) || !is_zero(w[1]) || strcmp(w[9], "lo") == 0)
			continue;
		unsigned long flags = strtoul(w[8], NULL, 16), metric = strtoul(w[5], NULL, 16);
		if (!(flags & ROUTE_UP) || (best->interface && best->metric <= metric))
			continue;
		*best = (struct route){
			w[9], flags & ROUTE_GATEWAY ? ip6_from_hex(a, w[4]) : NULL, metric};
	}
	return best->interface != NULL;
}

/* The facts of an address of the interface, with its default route. */
static struct value *default_map(
	struct network *n, const struct route *r, const struct value *address)
{
	static const char *const same[] = {"macaddress", "mtu", "type"};
	struct value *out = address ? value_shallow(n->a, address) : value_map(n->a);
	const struct value *m = map_at(n->maps, r->interface);
	fact_text(n->a, out, "interface", r->interface);
	fact_text(n->a, out, "alias", r->interface);
	fact_text(n->a, out, "gateway", r->gateway);
	for (size_t i = 0; m && i < ARRAY_LEN(same); i++)
		if (map_at(m, same[i]))
			map_put(n->a, out, same[i], map_at(m, same[i]));
	return out;
}

static void put_defaults(struct network *n, struct value *facts)
{
	struct route r;
	struct value *four = value_map(n->a), *six = value_map(n->a);
	if (read_route4(n->a, &r)) {
		const struct value *m = map_at(n->maps, r.interface);
		four = default_map(n, &r, m ? map_at(m, "ipv4") : NULL);
	}
	if (read_route6(n->a, &r)) {
		const struct value *m = map_at(n->maps, r.interface), *found = NULL;
		const struct value *list = m ? map_at(m, "ipv6") : NULL;
		for (size_t i = 0; list && i < list->list.n && !found; i++)
			if (strcmp(map_cstr(list->list.v[i], "scope", ""), "global") == 0)
				found = list->list.v[i];
		six = default_map(n, &r, found);
	}
	map_put(n->a, facts, "default_ipv4", four);
	map_put(n->a, facts, "default_ipv6", six);
}

/* ---- resolvers ---- */

static void put_dns(struct arena *a, struct value *facts)
{
	struct str text = fact_file(a, "/etc/resolv.conf"), line;
	struct value *dns = value_map(a), *servers = value_list(a), *search = value_list(a);
	for (size_t at = 0; fact_line(a, text, &at, &line);) {
		const char *p = line.p, *key = fact_word(a, &p), *word;
		if (!key || key[0] == '#' || key[0] == ';')
			continue;
		while ((word = fact_word(a, &p))) {
			if (strcmp(key, "nameserver") == 0)
				fact_item(a, servers, word);
			else if (strcmp(key, "search") == 0)
				fact_item(a, search, word);
			else if (strcmp(key, "domain") == 0)
				fact_text(a, dns, "domain", word);
		}
	}
	map_put(a, dns, "nameservers", servers);
	if (search->list.n)
		map_put(a, dns, "search", search);
	map_put(a, facts, "dns", dns);
}

void facts_network(struct arena *a, struct value *facts)
{
	struct network n = {a, value_list(a), value_map(a), value_list(a), value_list(a)};
	struct ifaddrs *list = NULL;
	if (getifaddrs(&list) == 0) {
		for (const struct ifaddrs *i = list; i; i = i->ifa_next)
			put_address(&n, i);
		freeifaddrs(list);
	}
	map_put(a, facts, "interfaces", n.names);
	map_put(a, facts, "all_ipv4_addresses", n.ipv4);
	map_put(a, facts, "all_ipv6_addresses", n.ipv6);
	put_defaults(&n, facts);
	put_dns(a, facts);
	for (size_t i = 0; i < n.maps->map.n; i++) {
		const char *key = key_of(a, n.maps->map.e[i].key.p);
		if (!map_at(facts, key))
			map_put(a, facts, key, n.maps->map.e[i].value);
	}
}
