# Prepared statements by the binary protocol: mysql_prepared.pl PORT PASSWORD. Says "fine" when all was as it should be.
use strict;
use warnings;
use DBI;

my ($port, $password) = @ARGV;
my @options = ("DBI:MariaDB:host=127.0.0.1;port=$port;database=crm;mariadb_server_prepare=1", "app", $password, { RaiseError => 1, PrintError => 0, mariadb_server_prepare_disable_fallback => 1 });
my @clients = map { DBI->connect(@options) } 1 .. 12;
my @by_id = map { $_->prepare("SELECT id, v, ? FROM items WHERE id = ?") } @clients;
my @insert = map { $_->prepare("INSERT INTO items (v) VALUES (?)") } @clients;
for my $round (1 .. 20) {
    for my $i (0 .. $#clients) {
        $by_id[$i]->execute("tag-$round-$i", 1 + $i % 2);
        my ($id, $v, $tag) = $by_id[$i]->fetchrow_array;
        die "$id $tag" unless $id == 1 + $i % 2 && $tag eq "tag-$round-$i";
        $by_id[$i]->finish;

        # The same statement with another type: a number here, a text there.
        $by_id[$i]->execute(7.5, 1);
        ($id, $v, $tag) = $by_id[$i]->fetchrow_array;
        die "type $tag" unless $tag == 7.5;
        $by_id[$i]->finish;
        $insert[$i]->execute($round % 2 ? undef : "row $round");
    }
}

# Injection looks in a parameter are data; the statement's own text is judged.
my $db = $clients[0];
my $quoted = $db->prepare("SELECT COUNT(*) FROM items WHERE v = ?");
$quoted->execute("' OR '1' = '1");
die "found" if ($quoted->fetchrow_array)[0] != 0;
$quoted->finish;
eval { $db->prepare("SELECT * FROM mysql.user WHERE user = ?") };
die "not refused" unless $@ =~ /blocked-object/;
eval { $db->prepare("SELECT nothing_there FROM items") };
die "no error: $@" unless $@ =~ /nothing_there/;

# More statements than a server connection keeps, and a big parameter.
for my $n (1 .. 60) {
    my $one = $db->prepare("SELECT ? + $n");
    $one->execute(1);
    die "n" unless ($one->fetchrow_array)[0] == 1 + $n;
    $one->finish;
}
my $length = $db->prepare("SELECT LENGTH(?)");
$length->execute("x" x 5_000_000);
die "length" unless ($length->fetchrow_array)[0] == 5_000_000;
$length->finish;
$db->begin_work;
$insert[0]->execute("rolled back");
$db->rollback;
$quoted->execute("rolled back");
die "not rolled back" if ($quoted->fetchrow_array)[0] != 0;
$quoted->finish;
$_->disconnect for @clients;
print "fine\n";
