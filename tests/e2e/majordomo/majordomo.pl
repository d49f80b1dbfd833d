# SPDX-License-Identifier: MIT
# What the programs share: the .cf file, a list's settings and members, and mail.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

our ($whereami, $whoami, $whoami_owner, $homedir, $listdir, $log, $sendmail_command, $mailer,
	$bounce_mailer, $TMPDIR, $cookie_seed);

sub read_cf {
	my $cf = shift;
	my $done = do $cf;
	die "$cf: " . ($@ || $! || 'it is not true') . "\n" unless $done;
	die "$cf: \$listdir is no folder\n" unless -d ($listdir // '');
}

sub note {
	open my $out, '>>', $log or return;
	print $out scalar(localtime) . " $whereami $0 @_\n";
	close $out;
}

sub list_ok {
	my $name = shift;
	return $name =~ /^[a-z0-9_-]+$/ && -f "$listdir/$name";
}

# `key = value`, and `key << WORD` with lines up to WORD.
sub config {
	my $name = shift;
	my %c = (admin_passwd => "$name.admin", approve_passwd => "$name.pass", moderate => 'no',
		restrict_post => '', subscribe_policy => 'open', unsubscribe_policy => 'open',
		sender => "owner-$name", resend_host => $whereami, precedence => 'bulk', reply_to => '',
		subject_prefix => '', message_headers => '', who_access => 'open');
	open my $in, '<', "$listdir/$name.config" or return \%c;
	while (my $line = <$in>) {
		chomp $line;
		if ($line =~ /^([a-z_]+)\s*=\s*(.*?)\s*$/) {
			$c{$1} = $2;
		} elsif ($line =~ /^([a-z_]+)\s*<<\s*(\S+)/) {
			my ($key, $end, $text) = ($1, $2, '');
			while (defined($line = <$in>) && $line ne "$end\n") { $text .= $line; }
			$c{$key} = $text;
		}
	}
	close $in;
	return \%c;
}

sub members {
	my $name = shift;
	open my $in, '<', "$listdir/$name" or return ();
	my @all = grep { length } map { s/\s+$//r } <$in>;
	close $in;
	return @all;
}

sub is_member {
	my ($name, $address) = @_;
	return grep { lc $_ eq lc $address } members($name);
}

sub address_in {
	my $text = shift // '';
	return lc $1 if $text =~ /<([^<>\s]+@[^<>\s]+)>/;
	return lc $1 if $text =~ /([^<>\s,()]+@[^<>\s,()]+)/;
	return '';
}

# The header as lines (folded ones joined with their newline), and the body.
sub read_mail {
	my (@header, $body);
	while (my $line = <STDIN>) {
		next if !@header && $line =~ /^From /; # of the delivery, not of the letter
		last if $line =~ /^\r?\n$/;
		if ($line =~ /^[ \t]/ && @header) { $header[-1] .= $line; }
		else { push @header, $line; }
	}
	{ local $/; $body = <STDIN> // ''; }
	return (\@header, $body);
}

sub header {
	my ($header, $name) = @_;
	for (@$header) { return $1 if /^\Q$name\E:\s*(.*?)\s*$/is; }
	return '';
}

sub through {
	my ($command, $sender, $text, @to) = @_;
	$command =~ s/\$sender/$sender/g;
	my $pid = open my $out, '|-';
	die "fork: $!\n" unless defined $pid;
	if (!$pid) { exec split(' ', $command), @to; die "$command: $!\n"; }
	print $out $text;
	close $out or die "$command failed\n";
}

# A letter of ours, to people.
sub letter {
	my ($from, $to, $subject, $text) = @_;
	through($bounce_mailer, $from,
		"From: $from\nTo: $to\nSubject: $subject\nAuto-Submitted: auto-replied\n\n$text");
}

# Proves that who confirms could read the address's mail.
sub cookie {
	return substr sha256_hex(join "\0", $cookie_seed // (stat $listdir)[1], @_), 0, 16;
}
1;
