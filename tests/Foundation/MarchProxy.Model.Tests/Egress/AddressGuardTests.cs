using System.Net;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Tests.Egress;

public sealed class AddressGuardTests
{
    [Theory]
    [InlineData("8.8.8.8", AddressClass.Global)]
    [InlineData("127.0.0.1", AddressClass.Loopback)]
    [InlineData("127.255.255.254", AddressClass.Loopback)]
    [InlineData("10.0.0.1", AddressClass.Private)]
    [InlineData("172.15.255.255", AddressClass.Global)]
    [InlineData("172.16.0.1", AddressClass.Private)]
    [InlineData("172.31.255.255", AddressClass.Private)]
    [InlineData("172.32.0.1", AddressClass.Global)]
    [InlineData("192.168.1.1", AddressClass.Private)]
    [InlineData("169.254.169.254", AddressClass.LinkLocal)]
    [InlineData("100.63.255.255", AddressClass.Global)]
    [InlineData("100.64.0.1", AddressClass.CarrierGradeNat)]
    [InlineData("100.127.255.255", AddressClass.CarrierGradeNat)]
    [InlineData("100.128.0.1", AddressClass.Global)]
    [InlineData("0.0.0.0", AddressClass.Unspecified)]
    [InlineData("0.1.2.3", AddressClass.Unspecified)]
    [InlineData("224.0.0.1", AddressClass.Multicast)]
    [InlineData("255.255.255.255", AddressClass.Reserved)]
    [InlineData("192.0.2.1", AddressClass.Reserved)]
    [InlineData("198.18.0.1", AddressClass.Reserved)]
    [InlineData("198.51.100.1", AddressClass.Reserved)]
    [InlineData("203.0.113.1", AddressClass.Reserved)]
    [InlineData("2606:4700::1111", AddressClass.Global)]
    [InlineData("::", AddressClass.Unspecified)]
    [InlineData("::1", AddressClass.Loopback)]
    [InlineData("fe80::1", AddressClass.LinkLocal)]
    [InlineData("fec0::1", AddressClass.Private)]
    [InlineData("fd00:ec2::254", AddressClass.Private)]
    [InlineData("ff02::1", AddressClass.Multicast)]
    [InlineData("2001:db8::1", AddressClass.Reserved)]
    [InlineData("::ffff:127.0.0.1", AddressClass.Loopback)]
    [InlineData("::ffff:8.8.8.8", AddressClass.Global)]
    [InlineData("::127.0.0.1", AddressClass.Loopback)]
    [InlineData("64:ff9b::a00:1", AddressClass.Private)]
    [InlineData("64:ff9b::808:808", AddressClass.Global)]
    [InlineData("64:ff9b:1::808:808", AddressClass.Reserved)]
    [InlineData("2002:7f00:1::", AddressClass.Loopback)]
    [InlineData("2002:808:808::", AddressClass.Global)]
    [InlineData("2001:0:808:808:0:0:f5ff:fffe", AddressClass.Private)]
    [InlineData("2606:4700::200:5efe:a9fe:a9fe", AddressClass.LinkLocal)]
    public void Every_range_has_its_class(string address, AddressClass expected) =>
        Assert.Equal(expected, AddressGuard.Classify(IPAddress.Parse(address)));

    [Fact]
    public void A_destination_opens_only_the_ranges_it_names()
    {
        var service = new Service { Name = "s", AllowAddresses = [IPNetwork.Parse("10.1.0.0/16")], Addresses = ["192.168.7.7", "s.test"] };
        Assert.True(AddressGuard.Allows(service, IPAddress.Parse("10.1.2.3")));
        Assert.True(AddressGuard.Allows(service, IPAddress.Parse("::ffff:10.1.2.3")));
        Assert.True(AddressGuard.Allows(service, IPAddress.Parse("192.168.7.7")));
        Assert.True(AddressGuard.Allows(service, IPAddress.Parse("8.8.8.8")));
        Assert.False(AddressGuard.Allows(service, IPAddress.Parse("10.2.0.1")));
        Assert.False(AddressGuard.Allows(service, IPAddress.Parse("192.168.7.8")));
        Assert.False(AddressGuard.Allows(service, IPAddress.Parse("127.0.0.1")));
    }
}
